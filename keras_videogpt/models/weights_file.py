"""Weights in HDF5, looked at before Keras reads them, and compared with what a model has.

HDF5 can point at other files, which would be read as weights, and can declare arrays that are far
larger than the file. Keras 3.15 refuses these where it comes upon them; older ones do not.
"""

import tempfile
from pathlib import Path

import h5py
import keras

# How much larger than its bytes in the file a compressed array may be.
MAX_EXPANSION = 100
SHOWN = 3


def stored_shapes(file: Path) -> dict[str, tuple[int, ...]]:
    """Shapes of the arrays in a file of weights, if nothing but arrays is in it.

    Args:
        file: an HDF5 file.

    Returns:
        Shape by path inside the file.

    Raises:
        ValueError: the file is damaged, points outside of itself, or declares more than it holds.

    Example:
        >>> model = VQVAE(video_shape=(4, 16, 16, 3), num_codes=32, code_dim=8, hidden_units=16)
        >>> model.save_weights("vqvae.weights.h5")
        >>> stored_shapes("vqvae.weights.h5")["layers/ema_vector_quantizer/vars/0"]
        (1, 32, 8)

    Source: advisories CVE-2025-9905 and CVE-2026-0897 of Keras.
    """
    try:
        with h5py.File(file, "r") as root:
            return _shapes(root)
    except ValueError:
        raise
    except Exception as error:
        raise ValueError(
            "its weights are damaged or cut off; download or copy the file again."
        ) from error


def _shapes(root: h5py.File) -> dict[str, tuple[int, ...]]:
    shapes, seen, groups = {}, set(), [(root, "")]
    while groups:
        group, path = groups.pop()
        address = h5py.h5o.get_info(group.id).addr
        if address in seen:
            raise ValueError(f"its weights hold the group {path!r} twice.")
        seen.add(address)
        for name in group:
            inner = f"{path}/{name}".lstrip("/")
            link = group.get(name, getlink=True)
            if not isinstance(link, h5py.HardLink):
                raise ValueError(f"its weights hold a {type(link).__name__} at {inner!r}.")
            item = group[name]
            if isinstance(item, h5py.Group):
                groups.append((item, inner))
            else:
                _check_array(item, inner)
                shapes[inner] = item.shape
    return shapes


def _check_array(item, path: str) -> None:
    if not isinstance(item, h5py.Dataset) or item.shape is None:
        raise ValueError(f"its weights hold no array at {path!r}.")
    if item.external or item.is_virtual:
        raise ValueError(f"its weights take the array {path!r} from another file.")
    # bfloat16 and float8 are opaque to HDF5.
    opaque = item.dtype.kind == "V" and item.dtype.fields is None and item.dtype.itemsize <= 2
    if not (item.dtype.kind in "biuf" or opaque):
        raise ValueError(f"its weights hold {item.dtype} and not numbers at {path!r}.")
    stored = item.id.get_storage_size() * (MAX_EXPANSION if item.chunks else 1)
    if item.nbytes > stored:
        raise ValueError(f"its weights declare more bytes at {path!r} than they hold.")


def differences(stored: dict[str, tuple[int, ...]], model: keras.Model) -> str:
    """How the weights in a file differ from a model's, in words; empty if they do not.

    Args:
        stored: what `stored_shapes` returned. Seeds and the state of an optimizer are left out.
        model: the model they are meant for.

    Returns:
        The first differences, by the layers' places.

    Example:
        >>> options = {"video_shape": (4, 16, 16, 3), "num_codes": 32, "hidden_units": 16}
        >>> VQVAE(**options, code_dim=8).save_weights("vqvae.weights.h5")
        >>> stored = stored_shapes("vqvae.weights.h5")
        >>> differences(stored, VQVAE(**options, code_dim=4))
        'conv3d/0 is (1, 1, 1, 16, 8) in the file and (1, 1, 1, 16, 4) in the model, ...'
    """
    theirs = _weights(stored)
    ours = [tuple(weight.shape) for weight in model.weights]
    if sorted(theirs.values()) == sorted(ours):
        return ""
    # Which place has which shape is Keras's to say: it writes them.
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.weights.h5"
        model.save_weights(file)
        ours = _weights(stored_shapes(file))
    found = [
        f"{_place(path)} is {theirs.get(path, 'not')} in the file and "
        f"{ours.get(path, 'not')} in the model"
        for path in sorted({**ours, **theirs})
        if theirs.get(path) != ours.get(path)
    ]
    more = f", and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return ", ".join(found[:SHOWN]) + more


def _weights(shapes):
    return {
        path: tuple(shape)
        for path, shape in shapes.items()
        if not (path.startswith("optimizer/") or path.endswith("/seed"))
    }


def _place(path: str) -> str:
    short = "/".join(part for part in path.split("/") if part not in ("layers", "vars"))
    return short if short.isprintable() else ascii(short)
