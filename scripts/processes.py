"""Small helpers about processes and ports, shared by the services and the supervisor."""

import contextlib
import ctypes
import os
import random
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None


def dies_with_parent(death_signal: int = signal.SIGTERM) -> Callable[[], None]:
    """A preexec_fn: the kernel sends `death_signal` to the child when the starting thread ends.

    That holds for `kill -9` of the parent too. Linux only; elsewhere it does nothing, and the
    supervisor's orphan reaper is what is left. Start children from the main thread: the kernel
    means the thread, not the process.
    """
    parent = os.getpid()

    def preexec() -> None:
        if _prctl is not None:
            _prctl(_PR_SET_PDEATHSIG, int(death_signal))
            if os.getppid() != parent:  # it died between fork and prctl
                os._exit(1)

    return preexec


def end_with_parent() -> None:
    """Have the kernel send SIGTERM to this process when the one that started it ends (Linux)."""
    if _prctl is not None:
        _prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM))


def free_port() -> int:
    """A TCP port of this machine that nobody listens on, and that no connection is given.

    Not one of the kernel's own choice (`bind` to 0): those lie in the range from which every
    connection that goes out takes its number, so one may be taken before the server listens.
    """
    ours = range(10_000, _first_of_connections())
    while not port_is_free(port := random.choice(ours or range(10_000, 65_536))):
        pass
    return port


def _first_of_connections() -> int:
    try:
        return int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    except OSError:  # not Linux: macOS and the BSDs begin here
        return 49_152


def port_is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Return whether a server could listen there; lingering connections of another do not count."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def is_alive(pid: int) -> bool:
    """Return whether a process with this id exists (a zombie counts as gone where /proc tells)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    with contextlib.suppress(OSError):
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    return True


def last_lines(path: Path, count: int = 15) -> str:
    """The end of a text file, for error messages; empty when it cannot be read."""
    with contextlib.suppress(OSError):
        return "\n".join(path.read_text(errors="replace").rstrip().splitlines()[-count:])
    return ""
