import hashlib
import json
import os
import warnings
import zlib

import numpy as np

from keras_videogpt.data.prepared import cache_folder
from keras_videogpt.metrics.networks.feature_network import FeatureNetwork
from keras_videogpt.paths import local_path, write_file

KEY_BYTES = 16


class FeatureCache:
    """Features of clips by their pixels, kept in a file for each network.

    Of what the file holds, only the keys are in memory. What it ends with after a crash, or
    whatever else is damaged, is computed again. Several processes can add to it at once. A JSON
    file beside it says which network it is of.

    Args:
        folder: of the files; made if need be.
        network: the one whose features these are.

    Raises:
        ValueError: the network does not tell what decides its features, or the folder is not of
            this machine.

    Example:
        >>> from keras_videogpt.metrics.networks.random_network import random_network
        >>> cache = FeatureCache("features", random_network())
        >>> key = clip_key(np.zeros((4, 8, 8, 3), "uint8"))
        >>> cache.get(key) is None
        True
        >>> cache.add([key], np.ones((1, 192), "float32"))
        >>> FeatureCache("features", random_network()).get(key).sum().item()
        192.0
    """

    def __init__(self, folder: str | os.PathLike, network: FeatureNetwork):
        _check_is_described(network)
        self.folder = local_path(folder, "cache")
        self.identity = network.identity()
        name = hashlib.sha256(self._identity_text().encode()).hexdigest()[:16]
        self.path = self.folder / f"{name}.features"
        self._record = np.dtype(
            [
                ("key", "u1", KEY_BYTES),
                ("features", "<f4", network.num_features),
                ("checksum", "<u4"),
            ]
        )
        self._positions = self._read_keys()
        self._added = {}

    def _identity_text(self):
        return json.dumps(self.identity, indent=2, sort_keys=True) + "\n"

    def _read_keys(self):
        """The place of the last record of each key in the file."""
        num_bytes = self.path.stat().st_size if self.path.exists() else 0
        count = num_bytes // self._record.itemsize  # whole records only
        if not count:
            return {}
        records = np.memmap(self.path, self._record, mode="r", shape=count)
        keys = records["key"].tobytes()
        return {keys[KEY_BYTES * i : KEY_BYTES * (i + 1)]: i for i in range(count)}

    def _read(self, position):
        try:
            return np.fromfile(self.path, self._record, 1, offset=position * self._record.itemsize)
        except OSError:
            return np.empty(0, self._record)

    def __len__(self) -> int:
        return len(self._positions.keys() | self._added.keys())

    def get(self, key: bytes) -> np.ndarray | None:
        """Features float32 `(D,)` of the clip of this key; `None` if they are not there."""
        if key in self._added:
            return self._added[key]["features"]
        if key not in self._positions:
            return None
        for record in self._read(self._positions[key]):
            if record["key"].tobytes() == key and record["checksum"] == _checksum(record):
                return record["features"]
        return None

    def add(self, keys: list[bytes], features: np.ndarray) -> None:
        """Keeps features of clips.

        Where the folder can't be written, a warning says so, and they are kept in memory only.

        Args:
            keys: of the clips, by `clip_key`.
            features: float32 `(B, D)`, a row for each.
        """
        records = np.empty(len(keys), self._record)
        records["key"] = [list(key) for key in keys]
        records["features"] = features
        for record in records:
            record["checksum"] = _checksum(record)
            self._added[record["key"].tobytes()] = record
        try:
            self._append(records.tobytes())
        except OSError as error:
            warnings.warn(
                f"Features of clips are not kept for the next time: {error}", stacklevel=2
            )

    def _append(self, content):
        if not self.path.exists():
            text = self._identity_text()
            write_file(self.path.with_suffix(".json"), lambda file: file.write_text(text))
        with open(self.path, "ab") as file:
            cut_off = file.tell() % self._record.itemsize
            if cut_off:
                file.truncate(file.tell() - cut_off)
            file.write(content)


def clip_key(clip: np.ndarray) -> bytes:
    """What tells a clip from others: 16 bytes, a hash of its shape and pixels.

    Args:
        clip: uint8 `(T, H, W, 3)`.

    Example:
        >>> clip_key(np.zeros((4, 8, 8, 3), "uint8")).hex()
        '87c3606cbb67c4f5633f4d555ae7b505'
    """
    digest = hashlib.blake2b(repr(clip.shape).encode(), digest_size=KEY_BYTES)
    digest.update(np.ascontiguousarray(clip).data)
    return digest.digest()


def open_cache(
    cache: FeatureCache | bool | str | os.PathLike | None, network: FeatureNetwork
) -> FeatureCache | None:
    """The features of a network that are kept, from what functions take as `cache`.

    Args:
        cache: `True` for the folder `features` in `$KERAS_VIDEOGPT_CACHE`, or else in
            `~/.cache/keras_videogpt`; another folder; or `None` or `False` for none.
        network: whose features these are.

    Returns:
        A cache; `None` for none, and where the usual folder is asked for and the network does not
        tell what decides its features.

    Raises:
        ValueError: the cache is of another network; or another folder is asked for, and the network
            does not tell what decides its features, or the folder is not of this machine.

    Example:
        >>> open_cache(False, network=None) is None
        True
    """
    if cache is None or cache is False:
        return None
    if isinstance(cache, FeatureCache):
        _check_is_described(network)
        if cache.identity != network.identity():
            raise ValueError(
                f"cache must be of the network {network.identity()}; it is of {cache.identity}."
            )
        return cache
    if cache is True:
        if not network.is_described:
            return None
        cache = cache_folder() / "features"
    return FeatureCache(cache, network)


def _check_is_described(network):
    if not network.is_described:
        raise ValueError(
            f"cache: {network.name} must have settings, which tell what decides its features, such "
            'as FeatureNetwork(..., settings={"preprocessing": "scaled"}); or pass cache=False.'
        )


def _checksum(record) -> int:
    return zlib.crc32(record["features"].tobytes(), zlib.crc32(record["key"].tobytes()))
