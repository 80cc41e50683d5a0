import os
import time
from pathlib import Path

from tensorboardX.event_file_writer import EventsWriter
from tensorboardX.proto.event_pb2 import Event, SessionLog
from tensorboardX.proto.summary_pb2 import Summary


class EventFile:
    """One more file of events in a folder that TensorBoard reads.

    Events are in the file once `write` returns, with no thread in between: what is logged before a
    checkpoint is there if the checkpoint is.

    Args:
        folder: the folder of the file; made if need be.
        first_step: earlier files may have events of this step and later ones; TensorBoard forgets
            them.

    Example:
        >>> from tensorboardX import summary
        >>> file = EventFile("logs/train")
        >>> file.write(summary.scalar("loss", 0.5), step=1)
        >>> file.close()
    """

    def __init__(self, folder: str | os.PathLike, first_step: int = 0):
        Path(folder).mkdir(parents=True, exist_ok=True)
        # The name begins with the second it is made in, and has to differ within a second too.
        suffix = f".{first_step:08d}.{os.getpid()}"
        self._file = EventsWriter(str(Path(folder) / "events"), suffix)
        start = SessionLog(status=SessionLog.START)
        self._file.write_event(Event(wall_time=time.time(), step=first_step, session_log=start))

    def write(self, summary: Summary, step: int) -> None:
        """Writes values that belong to a step."""
        self._file.write_event(Event(wall_time=time.time(), step=step, summary=summary))
        self._file.flush()

    def close(self) -> None:
        """Ends the file."""
        self._file.close()
