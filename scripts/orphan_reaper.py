"""A process that outlives the supervisor just long enough to end what it left behind.

A supervisor killed with -9 cannot stop anything, and the kernel's parent-death signal reaches its
children only, not theirs. It is forked before anything is started, reads the supervisor's
list of processes from a pipe, and acts when the pipe closes, whatever closed it.
"""

import contextlib
import os
import signal
import time
from pathlib import Path

from scripts.processes import is_alive

MARKER = "SUPERVISOR_RUN_ID"  # in the environment of every program, so of its descendants
PATIENCE_SECONDS = 3


class OrphanReaper:
    """Start it while the process has one thread; `close` waits until nothing marked is left."""

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        reader, self._writer = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            os.close(self._writer)
            try:
                _keep_watch(reader, run_id)
            finally:
                os._exit(0)
        os.close(reader)

    def watch(self, pid: int, stop_signal: int) -> None:
        """A process (and its group) to be ended with this signal, then by force."""
        self._tell(f"{pid} {int(stop_signal)}\n")

    def forget(self, pid: int) -> None:
        """A process that has been waited for: its id may soon be another's."""
        self._tell(f"{pid} 0\n")

    def close(self) -> None:
        os.close(self._writer)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self._pid, 0)

    def _tell(self, line: str) -> None:
        with contextlib.suppress(BrokenPipeError):  # someone ended it: do without
            os.write(self._writer, line.encode())


def _keep_watch(reader: int, run_id: str) -> None:
    os.setsid()
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    watched: dict[int, int] = {}
    with open(reader) as lines:
        for line in lines:
            pid, stop_signal = map(int, line.split())
            watched[pid] = stop_signal
            if not stop_signal:
                del watched[pid]
    for pid, stop_signal in watched.items():
        send(pid, stop_signal)
    for pid in find_marked(run_id):
        send(pid, signal.SIGTERM)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (
        left := {*filter(is_alive, watched), *find_marked(run_id)}
    ) and time.monotonic() < deadline:
        time.sleep(0.05)
    for pid in left:
        send(pid, signal.SIGKILL)
        if pid in watched:
            send_group(pid, signal.SIGKILL)
    for pid in find_marked(run_id):  # started in between
        send(pid, signal.SIGKILL)


def find_marked(run_id: str) -> list[int]:
    """Ids of the live processes whose environment carries the run's marker (Linux; else none)."""
    wanted = f"{MARKER}={run_id}".encode()
    found = []
    for entry in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if wanted in entry.read_bytes().split(b"\0"):
                found.append(int(entry.parent.name))
    return [pid for pid in found if pid != os.getpid() and is_alive(pid)]


def send(pid: int, signal_number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal_number)


def send_group(pid: int, signal_number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal_number)
