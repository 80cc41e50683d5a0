"""The figures of an evaluation as text."""

from collections.abc import Mapping


def report(figures: Mapping) -> str:
    """A table of figures, each in a line, and what distances and scores depend on.

    Args:
        figures: what `Evaluation.run` returned.

    Returns:
        The text.

    Example:
        >>> print(report({"held-out clips": 72, "PSNR (dB)": 28.0912}))
        held-out clips  72
        PSNR (dB)       28.09
    """
    scalars = {name: value for name, value in figures.items() if isinstance(value, int | float)}
    width = max(len(name) for name in scalars)
    lines = [f"{name:<{width}}  {_number(value)}" for name, value in scalars.items()]
    details = [*figures.get("distances", {}).values(), *figures.get("scores", {}).values()]
    return "\n".join([*lines, *(f"\n{one['text']}" for one in details)])


def _number(value: int | float) -> str:
    return f"{value:,.4g}" if isinstance(value, float) else str(value)
