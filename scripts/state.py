"""The record of a running stack, so that other commands find it and a second one is refused."""

import contextlib
import fcntl
import json
import os
from pathlib import Path
from typing import IO, Any

from scripts.environment import private_folder


class RunState:
    """A lock, held as long as the stack lives, and a file that says where it is to be found."""

    def __init__(self, data: Path) -> None:
        self.folder = data / "run"
        self.file = self.folder / "stack.json"
        self._lock: IO[str] | None = None

    def acquire(self) -> bool:
        """Become the stack on this data folder; False if there is one."""
        private_folder(self.folder)
        self._lock = (self.folder / "lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self.release()
            return False
        self.file.unlink(missing_ok=True)  # of one that was killed
        return True

    def release(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def write(self, **state: Any) -> None:
        """Publish: pid, mode, url, ready, environment (how to reach the servers)."""
        unfinished = self.file.with_suffix(".new")
        unfinished.unlink(missing_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with open(os.open(unfinished, flags, 0o600), "w") as file:  # it holds passwords
            json.dump({"pid": os.getpid(), **state}, file)
        unfinished.replace(self.file)

    def clear(self) -> None:
        self.file.unlink(missing_ok=True)
        self.release()

    def read(self) -> dict[str, Any] | None:
        """Return what the running stack published; None when none is running."""
        if not self.folder.exists():
            return None
        probe = RunState(self.folder.parent)
        with contextlib.suppress(OSError, ValueError), (self.folder / "lock").open() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                found: dict[str, Any] = json.loads(probe.file.read_text())
                return found
        return None
