"""Ends processes of a worker's pool that hang, stopped or with an interpreter that is stuck, and
what the jobs of processes that were killed have left behind.

Whoever has started the worker sees its main process only (utils/pulse.py).
"""

import contextlib
import logging
import mmap
import os
import signal
import struct
import threading
import time

from billiard import active_children, current_process

from .descendants import adopt_descendants, end_orphans

logger = logging.getLogger(__name__)
TICK = 1.0
HUNG_SECONDS = 45.0
_SIGN = struct.Struct("qd")  # who, and when by the clock that all processes of a machine share
_PLACES = 1024
_signs = mmap.mmap(-1, _SIGN.size * _PLACES)  # shared with the processes that are forked


def show_life() -> None:
    """Say every second that this process of the pool lives."""
    place = _place(current_process())

    def beat() -> None:
        while True:
            _SIGN.pack_into(_signs, place, os.getpid(), time.monotonic())
            time.sleep(TICK)

    threading.Thread(target=beat, name="pulse", daemon=True).start()


def watch_pool() -> None:
    """Look after the processes of the pool, from a thread of the worker's main process."""
    adopt_descendants()

    def watch() -> None:
        turned = resumed = time.monotonic()
        orphans: set[int] = set()
        while True:
            time.sleep(TICK)
            if time.monotonic() - turned > 3 * TICK:  # this process was stopped, too
                resumed = time.monotonic()
            turned = time.monotonic()
            end_hung(since=resumed)
            with contextlib.suppress(OSError):
                pool = {process.pid for process in active_children() if process.pid}
                orphans = end_orphans(pool, orphans)

    threading.Thread(target=watch, name="pool watch", daemon=True).start()


def end_hung(*, since: float = 0, seconds: float = HUNG_SECONDS) -> None:
    """Kill those that have shown no life for so many seconds; the pool replaces them."""
    for process in active_children():
        pid, seen = _SIGN.unpack_from(_signs, _place(process))
        if pid == process.pid and time.monotonic() - max(seen, since) > seconds:
            logger.error("process %d of the pool shows no life, killed", pid)
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _place(process: object) -> int:
    """Return where a process of the pool says that it lives: the pool has numbered them."""
    return _SIGN.size * (getattr(process, "index", 0) % _PLACES)
