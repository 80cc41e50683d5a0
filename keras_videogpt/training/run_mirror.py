import shutil
import tempfile
import warnings
from pathlib import Path

from keras_videogpt.paths import local_copy, upload


class RunMirror:
    """A folder on this machine that stands for a remote run folder.

    Remote file systems cannot append to logs, and may lose a connection at any time. So a run
    writes here, and what is new goes to the remote folder after each checkpoint, the checkpoint
    last, each file complete or not at all. A run that goes on begins with what is remote.

    Args:
        remote: the remote run folder; its checkpoints are downloaded.
        sends: whether anything goes there: `False` for a process that trains along with the one
            that writes the run, also where its folder is not remote.

    Attributes:
        folder: the local folder.

    Example:
        >>> from upath import UPath
        >>> mirror = RunMirror(UPath("memory://runs/first"))
        >>> mirror.folder.joinpath("config.json").write_text("{}")
        2
        >>> mirror.upload()
        >>> mirror.remote.joinpath("config.json").read_text()
        '{}'
        >>> mirror.close()
    """

    def __init__(self, remote: Path, sends: bool = True):
        self.remote = remote
        self.sends = sends
        self.folder = Path(tempfile.mkdtemp(prefix="keras-videogpt-run-"))
        self._uploaded: dict[str, tuple[int, int]] = {}
        for path in [remote / "config.json", remote / "losses.json", *self._checkpoints()]:
            if path.is_file():
                file = self.folder / path.relative_to(remote).as_posix()
                file.parent.mkdir(exist_ok=True)
                with local_copy(path) as copy:
                    shutil.copyfile(copy, file)
                self._note(file)

    def upload(self) -> None:
        """Uploads what is new; where that fails, warns, and the next call tries again."""
        if not self.sends:
            return
        try:
            for file in self._new():
                # Noted as it was before: a log that grows meanwhile goes again.
                version = _version(file)
                upload(file, self.remote / self._name(file))
                self._uploaded[self._name(file)] = version
            for path in self._checkpoints():
                if not (self.folder / "checkpoints" / path.name).exists():
                    path.unlink()
        except Exception as error:
            warnings.warn(
                f"{self.remote} could not be written ({error}). Training goes on; what is new "
                f"waits in {self.folder}.",
                stacklevel=2,
            )

    def close(self) -> None:
        """Uploads what is new and removes the local folder.

        Raises:
            OSError: the remote folder could not be written; the local one is kept.
        """
        self.upload()
        left = self._new()
        if left and self.sends:
            raise OSError(
                f"{self.remote} could not be written. {len(left)} files of the run are kept in "
                f"{self.folder}; copy that folder there."
            )
        shutil.rmtree(self.folder)

    def _checkpoints(self) -> list[Path]:
        folder = self.remote / "checkpoints"
        return sorted(folder.glob("step-*.keras"), key=str) if folder.is_dir() else []

    def _new(self) -> list[Path]:
        """Files that are not remote as they are here; the newest checkpoint last."""
        files = [file for file in self.folder.rglob("*") if file.is_file()]
        new = [f for f in files if self._uploaded.get(self._name(f)) != _version(f)]
        return sorted(new, key=lambda f: (f.parent.name == "checkpoints", self._name(f)))

    def _note(self, file: Path) -> None:
        self._uploaded[self._name(file)] = _version(file)

    def _name(self, file: Path) -> str:
        return file.relative_to(self.folder).as_posix()


def _version(file: Path) -> tuple[int, int]:
    return file.stat().st_size, file.stat().st_mtime_ns
