"""How a run's state is said in words."""

from collections.abc import Mapping

from tqdm import tqdm

from keras_videogpt.training.status import Status


def numbers(values: Mapping[str, float]) -> str:
    """Names and values in a line.

    Example:
        >>> numbers({"loss": 0.123456, "codes_used": 1.0})
        'loss 0.1235, codes_used 1'
    """
    return ", ".join(f"{name} {value:.4g}" for name, value in values.items())


def rates(speed: Mapping[str, float]) -> str:
    """Steps, frames and codes per second in a line.

    Example:
        >>> rates({"steps_per_second": 2.5, "frames_per_second": 1280.0})
        '2.5 steps/s, 1,280 frames/s'
    """
    names = [name for name in speed if name.endswith("_per_second")]
    return ", ".join(
        f"{speed[name]:,.{1 if speed[name] < 100 else 0}f} {name.removesuffix('_per_second')}/s"
        for name in names
    )


def time_left(status: Status) -> list[str]:
    """How long the rest of a run takes, or nothing while that is not known.

    Example:
        >>> time_left(Status(step=20, steps=100, seconds_left=3725.0))
        ['1:02:05 left']
    """
    if status.seconds_left is None:
        return []
    return [f"{tqdm.format_interval(status.seconds_left)} left"]


def age(seconds: float) -> str:
    """How long ago something was.

    Example:
        >>> age(4.2), age(300.0), age(8000.0)
        ('4 seconds ago', '5 minutes ago', '2 hours ago')
    """
    units = ((86400, "day"), (3600, "hour"), (60, "minute"))
    size, unit = next((each for each in units if seconds >= 2 * each[0]), (1, "second"))
    count = max(round(seconds / size), 0)
    return f"{count} {unit}{'' if count == 1 else 's'} ago"
