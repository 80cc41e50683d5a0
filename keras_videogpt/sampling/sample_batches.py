from collections.abc import Iterator

import numpy as np
from tqdm import tqdm

from keras_videogpt.layers.pixels import to_uint8
from keras_videogpt.models.batches import as_numpy
from keras_videogpt.models.checks import check_codes, check_positive
from keras_videogpt.models.videogpt import VideoGPT
from keras_videogpt.sampling.controls import check_controls, check_seed
from keras_videogpt.sampling.decoding_loop import is_compiled
from keras_videogpt.sampling.decoding_model import decoding_model, fitting_batch_size
from keras_videogpt.sampling.draw import uniform_numbers
from keras_videogpt.sampling.guidance import check_guidance
from keras_videogpt.sampling.sample_codes import sample_codes
from keras_videogpt.sampling.step import encode_conditions
from keras_videogpt.typing import Tensor


def sample_batches(
    model: VideoGPT,
    n: int = 8,
    frames: Tensor | None = None,
    labels: Tensor | None = None,
    actions: Tensor | None = None,
    prefix: Tensor | None = None,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    seed: int | None = None,
    dtype: str | None = None,
    batch_size: int | None = None,
    first_clip: int = 0,
    progress: bool = True,
    embeddings: Tensor | None = None,
    embedding_mask: Tensor | None = None,
    guidance: float = 1.0,
    keep_frames: bool = False,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Samples clips as `sample` does, and gives each batch as soon as it is finished.

    So any number of clips goes to a file or a metric without being in memory together.

    Args:
        model, n, frames, labels, actions, prefix, temperature, top_k, top_p, seed, dtype,
            batch_size, progress, embeddings, embedding_mask, guidance, keep_frames: as in `sample`.
        first_clip: index of the first clip to sample, in [0, n]: those before it are left out, the
            others are the same.

    Returns:
        Iterator over uint8 clips `(B, T, H, W, C)` and int32 codes `(B, t, h, w[, G])`, in order.

    Raises:
        ValueError: as in `sample`.

    Example:
        >>> from keras_videogpt import VQVAE, VideoGPT
        >>> vqvae = VQVAE(video_shape=(4, 16, 16, 3), num_codes=32, code_dim=8, hidden_units=16)
        >>> gpt = VideoGPT(vqvae, num_layers=2, num_heads=2, hidden_dim=32)
        >>> batches = sample_batches(gpt, n=3, batch_size=2, seed=0, progress=False)
        >>> [clips.shape for clips, codes in batches]
        [(2, 4, 16, 16, 3), (1, 4, 16, 16, 3)]
    """
    if not isinstance(model, VideoGPT):
        raise ValueError(f"model must be a VideoGPT, see keras_videogpt.load; got {model!r}.")
    check_positive(n=n)
    if batch_size is not None:
        check_positive(batch_size=batch_size)
    if not 0 <= first_clip <= n:
        raise ValueError(f"first_clip must be in [0, {n}], the number of clips; got {first_clip}.")
    conditions = {
        "frames": frames,
        "labels": labels,
        "actions": actions,
        "embeddings": embeddings,
        "embedding_mask": embedding_mask,
    }
    conditions = {k: None if v is None else as_numpy(v) for k, v in conditions.items()}
    model.conditions.given(n, **conditions)
    if keep_frames and frames is None:
        raise ValueError("keep_frames=True needs frames; got None.")
    check_guidance(model, guidance)
    prefix = None if prefix is None else _check_prefix(model, n, as_numpy(prefix))
    check_controls(temperature, top_k, top_p, model.tokenizer.num_codes)
    seed = check_seed(seed)
    decoder = decoding_model(model, dtype)
    sequences = 1 if guidance == 1 else 2  # of a clip
    if batch_size is None:
        fitting = fitting_batch_size(decoder, sequences * (n - first_clip))
        batch_size = max(1, fitting // sequences)
    controls = {"temperature": temperature, "top_k": top_k, "top_p": top_p}

    def sample_part(start, on_progress):
        """The codes of the clips from one on, and what is kept of their frames."""
        # The last batch is filled up: another size would be compiled anew.
        places = np.minimum(np.arange(start, start + batch_size), n - 1)
        part = {k: v if v is None else v[places] for k, v in conditions.items()}
        codes = sample_codes(
            decoder,
            uniform_numbers(seed, start, batch_size, model.length),
            **controls,
            prefix=None if prefix is None else prefix[places],
            context=encode_conditions(decoder, batch_size, model, guidance, **part),
            on_progress=on_progress,
        )
        wanted = min(batch_size, n - start)
        return codes[:wanted], part["frames"][:wanted] if keep_frames else None

    bar = {"disable": not progress, "unit": " codes", "desc": "sampling"}
    if not is_compiled(decoder, batch_size, top_k, top_p):
        bar["desc"] = "compiling, sampling"
    drawn = model.length - (0 if prefix is None else prefix.shape[1])
    starts = range(first_clip, n, batch_size)
    return _batches(model.tokenizer, sample_part, starts, n, drawn, bar)


def _batches(tokenizer, sample_part, starts, n, drawn, bar):
    with tqdm(total=(n - starts.start) * drawn, **bar) as bar:
        for start in starts:
            wanted = min(starts.step, n - start)
            codes, kept = sample_part(
                start, lambda steps, wanted=wanted: bar.update(steps * wanted)
            )
            bar.set_description("sampling", refresh=False)
            clips = to_uint8(tokenizer.decode(codes))
            if kept is not None:
                clips[:, : kept.shape[1]] = kept if kept.dtype == np.uint8 else to_uint8(kept)
            yield clips, codes


def _check_prefix(model, n, prefix):
    """The prefix as `(n, P)`, checked."""
    most = model.codes_shape[0] - 1
    frames = prefix.shape[1] if prefix.ndim > 1 else 0
    if not 1 <= frames <= most or len(prefix) != n:
        wanted = ", ".join(str(size) for size in model.codes_shape[1:])
        raise ValueError(
            f"prefix must have shape (n, t, {wanted}) for n={n} clips and t in [1, {most}] frames "
            f"of codes; got {prefix.shape}."
        )
    shape = (frames, *model.codes_shape[1:])
    check_codes(prefix, shape, model.tokenizer.num_codes, "prefix")
    return prefix.reshape(n, -1).astype("int32")
