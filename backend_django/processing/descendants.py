"""Processes that a job has started and left behind, however they detached themselves."""

import contextlib
import ctypes
import logging
import os
import signal
import sys
from pathlib import Path

logger = logging.getLogger(__name__)
PR_SET_CHILD_SUBREAPER = 36  # prctl(2): orphans below this process become its children
spared: set[int] = set()  # processes that this one keeps from job to job (fork_client.py)
_adopting = False


def adopt_descendants() -> None:
    """Have whatever this process's jobs leave behind become its children. Linux only."""
    global _adopting
    if sys.platform == "linux":
        _adopting = ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0


def end_descendants() -> None:
    """Kill what is left of the processes that a job has started."""
    if not _adopting:
        return
    ended = 0
    # In rounds: what a killed process leaves becomes our child, and may start more until it ends.
    while _has_children() and (found := _descendants()):
        for pid in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        ended += len(found)
    if ended:
        logger.warning("the job left %d processes behind, which were ended", ended)


def end_orphans(known: set[int], found_before: set[int]) -> set[int]:
    """Kill what is left of the jobs of processes that have ended; return what was found.

    They are children of the worker's main process now, which starts nothing but its pool.

    Args:
        known: the processes of the pool.
        found_before: what the last call has returned; a process that was just forked for the pool
            is found once at most.
    """
    found = _children() - known if _adopting else set()
    for pid in found & found_before:
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            os.kill(pid, signal.SIGKILL)
            if os.waitpid(pid, os.WNOHANG) == (0, 0):
                logger.warning("a job that is over has left process %d behind, killed", pid)
    return found


def _children() -> set[int]:
    """Return the children of this process.

    Raises:
        OSError: a thread has ended meanwhile, or this kernel has no such lists.
    """
    lists = [thread / "children" for thread in Path("/proc/self/task").iterdir()]
    return {int(pid) for one in lists for pid in one.read_text().split()}


def _has_children() -> bool:
    """Reap the dead ones, and say whether there are others than those that are kept."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
        return _children() - spared != set()
    except ChildProcessError:
        return False
    except OSError:
        return True


def _descendants() -> list[int]:
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError):
            # the name, in parentheses, may hold anything
            parent = int(
                (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()[1]
            )
            children.setdefault(parent, []).append(int(folder.name))
    found = [pid for pid in children.get(os.getpid(), []) if pid not in spared]
    for pid in found:  # grows as it goes
        found += children.get(pid, [])
    return found
