"""Moving MNIST: handwritten digits that bounce within a frame."""

from collections.abc import Sequence

import numpy as np

from keras_videogpt.data.store import VideoStore

CANVAS, DIGIT = 64, 28
ROOM = CANVAS - DIGIT
SPEED = 0.1 * ROOM


class MovingMNISTVideos(VideoStore):
    """Videos of two digits that move in straight lines and bounce off the sides, on black.

    They are made when they are read. Video i is a function of the digits, the seed and i alone,
    whatever the number of videos. A digit starts anywhere, moves 3.6 pixels per frame in any
    direction, and is reflected where it would leave the frame; where digits overlap, the brighter
    pixel is seen.

    Args:
        digits: uint8 (N, 28, 28).
        indices: the numbers i of the videos.
        frames: frames of a video.
        num_digits: digits in a video.
        seed: int, 0 or more.

    Raises:
        ValueError: an argument out of range.

    Example:
        >>> digits = np.full((10, 28, 28), 255, "uint8")
        >>> MovingMNISTVideos(digits, indices=range(100)).frames(3).shape
        (20, 64, 64, 3)

    Reference: arXiv 1502.04681, section 3.2.
    """

    def __init__(
        self,
        digits: np.ndarray,
        indices: Sequence[int],
        frames: int = 20,
        num_digits: int = 2,
        seed: int = 0,
    ) -> None:
        if digits.dtype != np.uint8 or digits.shape[1:] != (DIGIT, DIGIT) or not len(digits):
            raise ValueError(
                f"digits must be uint8 (N, 28, 28); got {digits.dtype} {digits.shape}."
            )
        if min(frames, num_digits, len(indices)) < 1 or seed < 0:
            raise ValueError(
                "frames, num_digits and the number of indices must be at least 1, seed at least 0; "
                f"got frames={frames}, num_digits={num_digits}, {len(indices)} indices, "
                f"seed={seed}."
            )
        self.digits = digits
        self.indices = indices
        self.length = frames
        self.num_digits = num_digits
        self.seed = seed
        self.skipped = []

    def __len__(self) -> int:
        return len(self.indices)

    def num_frames(self, index: int) -> int:
        return self.length

    def name(self, index: int) -> str:
        return f"video_{self.indices[index]:06d}"

    def positions(self, index: int) -> np.ndarray:
        """Where the digits of a video are.

        Args:
            index: from 0 to `len(store) - 1`.

        Returns:
            int (frames, digits, 2): row and column of each digit's upper left corner, 0 to 36.
        """
        return np.rint(self._draw(index)[1]).astype("int64")

    def frames(
        self, index: int, start: int = 0, count: int | None = None, stride: int = 1
    ) -> np.ndarray:
        wanted = self.frame_slice(index, start, count, stride)
        shapes = self.digits[self._draw(index)[0]]
        positions = self.positions(index)[wanted]
        video = np.zeros((len(positions), CANVAS, CANVAS), "uint8")
        for frame, corners in zip(video, positions, strict=True):
            for shape, (top, left) in zip(shapes, corners, strict=True):
                window = frame[top : top + DIGIT, left : left + DIGIT]
                np.maximum(window, shape, out=window)
        return np.repeat(video[..., None], 3, axis=-1)

    def _draw(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Which digits a video has, and float (frames, digits, 2) where they are."""
        rng = np.random.default_rng((self.seed, self.indices[index]))
        chosen = rng.integers(len(self.digits), size=self.num_digits)
        corners = rng.uniform(0, ROOM, (self.num_digits, 2))
        angles = rng.uniform(0, 2 * np.pi, self.num_digits)
        steps = SPEED * np.stack([np.sin(angles), np.cos(angles)], axis=-1)
        straight = corners + steps * np.arange(self.length)[:, None, None]
        # Reflection at 0 and ROOM folds the line.
        return chosen, ROOM - np.abs(straight % (2 * ROOM) - ROOM)
