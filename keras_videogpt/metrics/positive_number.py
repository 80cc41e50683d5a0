from typing import Any


def check_positive_number(name: str, value: Any) -> None:
    """Raises `ValueError` unless an argument of this name is a number above 0, and finite."""
    try:
        positive = bool(0 < value < float("inf"))
    except (TypeError, ValueError):  # no number, or several
        positive = False
    if not positive:
        raise ValueError(f"{name} must be a positive number; got {value!r}.")
