import json
import os
import socket
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

from keras_videogpt.paths import write_file

FILE_NAME = "status.json"


@dataclass
class Status:
    """How far a run is: what `status.json` in its folder says.

    Args:
        step: training steps done.
        steps: training steps of the whole run.
        phase: `"training"`, `"validating"` or `"saving"`.
        values: the newest losses and metrics, by name.
        speed: steps, frames and codes per second, by name.
        seconds_left: until the end of the run; `None` if it is not known yet.
        checkpoint: step of the newest checkpoint; 0 before the first.
        best: `step` and validation `loss` of the best checkpoint; empty before the first.
        process: id of the process that trains.
        host: name of the machine it runs on.
        written: when this was written, in seconds since 1970.

    Example:
        >>> Status(step=20, steps=100).write(Path("."))
        >>> read_status(Path(".")).step
        20
    """

    step: int
    steps: int
    phase: str = "training"
    values: dict[str, float] = field(default_factory=dict)
    speed: dict[str, float] = field(default_factory=dict)
    seconds_left: float | None = None
    checkpoint: int = 0
    best: dict[str, float] = field(default_factory=dict)
    process: int = field(default_factory=os.getpid)
    host: str = field(default_factory=socket.gethostname)
    written: float = 0.0

    @property
    def is_finished(self) -> bool:
        """Whether all steps are done and saved."""
        return self.checkpoint >= self.steps

    @property
    def is_gone(self) -> bool:
        """Whether the process that trained is known to have ended."""
        if self.host != socket.gethostname() or os.name != "posix":
            return False
        try:
            os.kill(self.process, 0)
        except ProcessLookupError:
            return True
        except PermissionError:  # another user's
            pass
        return False

    @property
    def is_over(self) -> bool:
        """Whether nothing new is to be expected."""
        return self.is_finished or self.is_gone

    def write(self, folder: Path) -> None:
        """Writes the file, complete or not at all."""
        self.written = time.time()
        text = json.dumps(asdict(self), indent=2) + "\n"
        write_file(folder / FILE_NAME, lambda file: file.write_text(text))


def read_status(folder: Path) -> Status | None:
    """The status of a run; `None` if it has none.

    Args:
        folder: the run folder, local or remote.

    Returns:
        What the run wrote last.

    Raises:
        ValueError: the file is damaged.
    """
    path = folder / FILE_NAME
    try:
        return Status(**json.loads(path.read_text()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path} is not the status of a run: {error}.") from error
