"""The thread of a process that says "still here" for all it works on."""

import logging
import threading
from collections.abc import Callable

from django.conf import settings
from django.db import connection

logger = logging.getLogger(__name__)
SECONDS = 1.0  # between looks at whether there is something new to say

_wanted, _over = threading.Event(), threading.Event()
_beats: set[Callable[[], None]] = set()
_thread: threading.Thread | None = None
_is_connected = False


def tick() -> float:
    """Return the seconds between looks."""
    return min(SECONDS, settings.PROCESSING_HEARTBEAT_SECONDS)


def start_beating(beat: Callable[[], None]) -> None:
    """Have a function called at each tick, by a thread that has its own database connection."""
    global _thread
    _beats.add(beat)
    if _thread is None or not _thread.is_alive():  # it does not live on in a forked process
        _thread = threading.Thread(target=_run, name="heartbeat", daemon=True)
        _thread.start()
    _wanted.set()


def stop_beating(beat: Callable[[], None]) -> None:
    """Do it no more. A call that has begun may still go on."""
    _beats.discard(beat)
    if _is_connected:
        _over.set()  # the connection is closed at once


def _run() -> None:
    global _is_connected
    while True:
        _wanted.wait()
        # Who works on many short requests wakes it for none of them.
        _over.wait(tick())
        _over.clear()
        for beat in list(_beats):
            try:
                beat()
            except Exception:  # which must not end those of the attempts that follow
                logger.exception("a heartbeat failed")
        _is_connected = connection.connection is not None
        if not _beats:
            connection.close()
            _is_connected = False
            _wanted.clear()
            if _beats:  # has come meanwhile
                _wanted.set()
