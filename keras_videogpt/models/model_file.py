"""Files of models (.keras) and of weights, opened without trusting what is in them."""

import glob
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras

from keras_videogpt.models.trusted_config import MAX_BYTES, check_config, read_json
from keras_videogpt.models.weights_file import differences, stored_shapes
from keras_videogpt.paths import as_path, local_copy

CONFIG, WEIGHTS = "config.json", "model.weights.h5"
# Keras's metadata.json says nothing that is needed here.
MEMBERS = {CONFIG, WEIGHTS, "metadata.json"}
# Keras compresses nothing; who packs a file again gains little.
MAX_EXPANSION = 100


@contextmanager
def open_model_file(file: Path, compile: bool = True) -> Iterator[tuple[dict, Path]]:
    """Opens a `.keras` file whose config names nothing but models of ours and their optimizers.

    Args:
        file: the file, on this machine.
        compile: whether the config says how the model was compiled, if it was.

    Yields:
        The config, and a file of the weights, there until the end of the context.

    Raises:
        ValueError: the file is damaged, no such file, or not to be trusted; without the path.

    Example:
        >>> model = VQVAE(video_shape=(4, 16, 16, 3), num_codes=32, code_dim=8, hidden_units=16)
        >>> model.save("vqvae.keras")
        >>> with open_model_file("vqvae.keras") as (config, weights):
        ...     config["class_name"], weights.name
        ('VQVAE', 'model.weights.h5')
    """
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, EOFError, NotImplementedError):
        raise ValueError("it is not a Keras model file (.keras), or cut off.") from None
    with archive, tempfile.TemporaryDirectory() as folder:
        _check_members(archive.infolist())
        try:
            with archive.open(CONFIG) as opened:
                text = opened.read(MAX_BYTES + 1)
        except (zipfile.BadZipFile, RuntimeError, EOFError, OSError):
            raise ValueError(f"its {CONFIG} is damaged or cut off.") from None
        config = read_json(text, CONFIG)
        if not compile:
            config["compile_config"] = None
        check_config(config)
        # Under a name of ours, whatever the file calls it.
        weights = Path(folder) / WEIGHTS
        try:
            with archive.open(WEIGHTS) as source, open(weights, "wb") as target:
                shutil.copyfileobj(source, target, 2**20)
        except (zipfile.BadZipFile, RuntimeError, EOFError):
            raise ValueError("its weights are damaged or cut off.") from None
        yield config, weights


def _check_members(members: list[zipfile.ZipInfo]) -> None:
    names = [member.filename for member in members]
    for name in names:
        if name not in MEMBERS:
            raise ValueError(f"it holds {ascii(name[:100])}, which no model file of ours has.")
    if len(names) > len(set(names)) or not {CONFIG, WEIGHTS} <= set(names):
        raise ValueError(f"it must hold {CONFIG} and {WEIGHTS} once each; it has {sorted(names)}.")
    for member in members:
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError(f"its {member.filename} is packed in a way that Keras does not use.")
        small = member.filename != WEIGHTS
        if (small and member.file_size > MAX_BYTES) or (
            member.file_size > MAX_BYTES + MAX_EXPANSION * member.compress_size
        ):
            raise ValueError(
                f"its {member.filename} declares {member.file_size:,} bytes, far more than the "
                f"{member.compress_size:,} it holds or needs."
            )


def read_weights(model: keras.Model, file: Path, compare: bool = True, **options: Any) -> None:
    """Loads weights as Keras does, once the file was looked at.

    Args:
        model: what they are meant for.
        file: a `.weights.h5` or `.weights.json` file, on this machine.
        compare: whether every weight must be in both, with the same shape: of a file that has more
            than the model, Keras would load a part in silence.
        **options: of `keras.Model.load_weights`.

    Raises:
        ValueError: the file is damaged, not to be trusted, or of another model: what differs.

    Example:
        >>> model = VQVAE(video_shape=(4, 16, 16, 3), num_codes=32, code_dim=8, hidden_units=16)
        >>> model.save_weights("vqvae.weights.h5")
        >>> read_weights(model, "vqvae.weights.h5")
    """
    stored = _all_shapes(Path(file))
    differ = differences(stored, model) if compare else ""
    if differ:
        raise ValueError(f"its weights are another model's: {differ}.")
    keras.Model.load_weights(model, file, **options)


def load_checked_weights(model: keras.Model, path: Any, **options: Any) -> None:
    """`read_weights` of a local or remote file, which may be a `.keras` one.

    Args:
        model: what they are meant for.
        path: a `.weights.h5`, `.weights.json` or `.keras` file.
        **options: of `read_weights`.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: as `read_weights`; the message names the file.

    Example:
        >>> model = VQVAE(video_shape=(4, 16, 16, 3), num_codes=32, code_dim=8, hidden_units=16)
        >>> model.save("vqvae.keras")
        >>> load_checked_weights(model, "vqvae.keras")
    """
    given, path = path, as_path(path)
    if not path.name.endswith((".weights.h5", ".weights.json", ".keras")):
        raise ValueError(f"Weights are read from .weights.h5 and .keras files; got {given}.")
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}.")
    with local_copy(path) as file:
        try:
            if path.suffix == ".keras":
                with open_model_file(file) as (_, weights):
                    read_weights(model, weights, **options)
            else:
                read_weights(model, file, **options)
        except Exception as error:
            raise ValueError(f"{path} could not be loaded: {first_line(error)}") from error


def _all_shapes(file: Path) -> dict[str, tuple[int, ...]]:
    """Shapes in a file of weights, or in all that an index of them (.weights.json) stands for."""
    if file.suffix != ".json":
        return stored_shapes(file)
    start = file.name.removesuffix(".weights.json") + "_"
    parts = sorted(file.parent.glob(f"{glob.escape(start)}*.weights.h5"))
    with open(file, "rb") as index:
        places = read_json(index.read(MAX_BYTES + 1), file.name).get("weight_map")
    named = {str(name) for names in dict(places or {}).values() for name in _as_list(names)}
    if not named or not named <= {part.name for part in parts}:
        raise ValueError(f"it must name files beside it called {start}*.weights.h5.")
    return {path: shape for part in parts for path, shape in stored_shapes(part).items()}


def _as_list(value):
    return value if isinstance(value, list) else [value]


def first_line(error: Exception) -> str:
    """What an error says, without the lines and configs that Keras adds."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else repr(error)
