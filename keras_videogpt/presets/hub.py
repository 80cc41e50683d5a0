"""Presets on hubs: Hugging Face by `hf://`, Kaggle by `kaggle://`; their clients do the work."""

import re
from pathlib import Path
from typing import Any

from keras_videogpt.data.optional import optional_import
from keras_videogpt.presets.preset_folder import FILES

HUGGING_FACE = re.compile(r"hf://([\w.-]+/[\w.-]+)(?:@([\w./-]+))?")
KAGGLE = re.compile(r"kaggle://([\w.-]+/[\w.-]+/[\w.-]+/[\w.-]+(?:/\d+)?)")
FORMS = "hf://user/repository[@revision] or kaggle://user/model/framework/variation[/version]"


def is_hub_address(preset: Any) -> bool:
    """Whether a preset is asked for by its address on a hub.

    Args:
        preset: what `kvg.load` was given.

    Returns:
        The answer.

    Example:
        >>> is_hub_address("hf://user/videogpt_ucf101")
        True
    """
    return isinstance(preset, str) and preset.startswith(("hf://", "kaggle://"))


def download(address: str) -> tuple[Path, Path]:
    """Downloads a preset, unless the hub's client has it in its cache.

    Args:
        address: `hf://user/repository[@revision]`, for a branch, tag or commit; or
            `kaggle://user/model/framework/variation[/version]`.

    Returns:
        The folder of the preset, and the one that the links in it stay in.

    Raises:
        ValueError: the address is neither.
        ImportError: the hub's client is missing; the message is the command that installs it.
        OSError: it could not be downloaded.

    Example:
        folder, root = download("hf://user/videogpt_ucf101@v1.0")

    Source: huggingface.co/docs/huggingface_hub (`snapshot_download`) and
    github.com/Kaggle/kagglehub (`model_download`).
    """
    if found := HUGGING_FACE.fullmatch(address):
        client = optional_import("huggingface_hub", "hub")
        repository, revision = found.groups()
        options = {"repo_id": repository, "revision": revision, "allow_patterns": list(FILES)}
        folder = Path(_call(address, client.snapshot_download, **options))
        # Its cache has a preset's files as links to where all versions of all of them are.
        in_cache = folder.parent.name == "snapshots"
        return folder, folder.parents[2] if in_cache else folder
    if found := KAGGLE.fullmatch(address):
        client = optional_import("kagglehub", "hub")
        folder = Path(_call(address, client.model_download, handle=found.group(1)))
        return folder, folder
    raise ValueError(f"A preset on a hub must be {FORMS}; got {address}.")


def _call(address, function, **arguments):
    try:
        return function(**arguments)
    except Exception as error:
        reason = " ".join(str(error).split()) or repr(error)
        raise OSError(f"{address} could not be downloaded: {reason}") from error
