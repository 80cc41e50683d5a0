"""Packages that only some of the data sources need."""

import importlib
from types import ModuleType


def optional_import(module: str, extra: str) -> ModuleType:
    """Imports a package that belongs to one of the extras of keras_videogpt.

    Args:
        module: name of the module, such as `"av"`.
        extra: the extra that installs it, such as `"video"`.

    Returns:
        The module.

    Raises:
        ImportError: the module is missing; the message is the command that installs it.

    Example:

    >>> av = optional_import("av", "video")
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(
            f"The package `{module}` is needed here and could not be imported ({error}). "
            f'Install it with: pip install "keras_videogpt[{extra}]"'
        ) from error
