"""Threads that call Django, and no more of them at once than help.

Python runs one thread at a time. Two that have short calls only take turns, and to wake each other
costs a third of such a call (decision 74). So a thread that is awake makes call after call. One
more is woken while the process has a part of a core to spare, since calls wait for a database, or
when all that are awake have been in their calls for long.
"""

import asyncio
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from math import inf
from typing import Any, TypeVar

T = TypeVar("T")
Call = tuple[Future[Any], Callable[..., Any], tuple[Any, ...]]

# For so long Python lets a thread run while others want to.
LONG_SECONDS = sys.getswitchinterval()
BUSY = 0.85  # of a core


class Load:
    """Whether this process uses a core, looked at anew after some time."""

    def __init__(self) -> None:
        self._looked, self._used, self._is_busy = time.monotonic(), time.process_time(), False

    def is_busy(self) -> bool:
        now = time.monotonic()
        if (passed := now - self._looked) >= LONG_SECONDS:
            used = time.process_time()
            self._is_busy = used - self._used >= BUSY * passed
            self._looked, self._used = now, used
        return self._is_busy


class Threads:
    """At most `most` threads for calls that an event loop hands over, first come, first served."""

    def __init__(
        self,
        most: int,
        name: str,
        *,
        long_seconds: float = LONG_SECONDS,
        is_busy: Callable[[], bool] | None = None,
    ) -> None:
        self._most, self._long_seconds = most, long_seconds
        self._is_busy = is_busy or Load().is_busy
        self._pool = ThreadPoolExecutor(most, name)
        self._lock = threading.Lock()
        self._waiting: deque[Call] = deque()
        self._began: dict[object, float] = {}  # by thread that is awake, its present call
        self._is_watched = False

    def submit(self, function: Callable[..., T], *arguments: Any) -> Future[T]:
        """Have a function called in a thread. For the event loop's own thread only."""
        future: Future[T] = Future()
        with self._lock:
            self._waiting.append((future, function, arguments))
        self._wake()
        return future

    def _wake(self) -> None:
        """Wake a thread if one more helps, and look again if a call still waits after a while."""
        with self._lock:
            if not self._waiting or len(self._began) == self._most:
                return  # who is awake makes the next call
            now, began = time.monotonic(), max(self._began.values(), default=-inf)
            if now - began >= self._long_seconds or not self._is_busy():
                thread = object()
                self._began[thread] = now
                self._pool.submit(self._run, thread, [self._waiting.popleft()])
            if self._waiting and not self._is_watched:
                self._is_watched = True
                asyncio.get_running_loop().call_later(self._long_seconds, self._look)

    def _look(self) -> None:
        self._is_watched = False
        self._wake()

    def _run(self, thread: object, calls: list[Call]) -> None:
        """Make a call, and one after another until none waits."""
        while calls:  # a list, since a thread keeps what it is given, and with it the result
            _make(*calls.pop())
            calls += self._next(thread)

    def _next(self, thread: object) -> list[Call]:
        """Return the next call, or none for a thread that may sleep."""
        with self._lock:
            if self._waiting:
                self._began[thread] = time.monotonic()
                return [self._waiting.popleft()]
            del self._began[thread]
            return []


def _make(future: Future[Any], function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    if future.set_running_or_notify_cancel():
        try:
            result = function(*arguments)
        except BaseException as error:
            future.set_exception(error)
        else:
            future.set_result(result)
