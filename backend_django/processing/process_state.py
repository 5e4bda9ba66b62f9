"""Undo what a job changes in its process, in which the engine and later jobs go on."""

import gc
import locale
import logging
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections

logger = logging.getLogger(__name__)
STREAMS = ("stdin", "stdout", "stderr", "excepthook")
LIMITS = [value for name, value in vars(resource).items() if name.startswith("RLIMIT_")]
TIMERS = (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF)
SIGNALS = [int(number) for number in signal.valid_signals()]
# What is read four times for each job: without an enum of each signal, or text of each name.
_handler: Callable[[int], Any] = import_module("_signal").getsignal
_environ, _variables = os.environ, vars(os.environ)["_data"]


def _read_timers() -> list[bool]:
    return [signal.getitimer(timer)[0] > 0 for timer in TIMERS]


def _set_timers(were_running: list[bool]) -> None:
    for timer, was_running in zip(TIMERS, were_running, strict=True):
        if not was_running:
            signal.setitimer(timer, 0)


def _read_handlers() -> dict[int, Any]:
    return {number: _handler(number) for number in SIGNALS}


def _set_handlers(handlers: dict[int, Any]) -> None:
    for number, handler in handlers.items():
        if handler is not None and _handler(number) is not handler:
            signal.signal(number, handler)


def _read_limits() -> list[tuple[int, int]]:
    return [resource.getrlimit(limit) for limit in LIMITS]


def _set_limits(limits: list[tuple[int, int]]) -> None:
    for limit, (soft, _) in zip(LIMITS, limits, strict=True):
        hard = resource.getrlimit(limit)[1]  # a lower one cannot be raised again
        with suppress(ValueError, OSError):
            resource.setrlimit(limit, (soft, hard))


def read_umask() -> int:
    """Return the file mode mask, which can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _read_environment() -> tuple[bool, dict[Any, Any]]:
    return os.environ is _environ, _variables.copy()


def _set_environment(state: tuple[bool, dict[Any, Any]]) -> None:
    os.environ = _environ  # noqa: B003 (a job may have put another one there)
    _environ.clear()
    _environ.update({os.fsdecode(name): os.fsdecode(value) for name, value in state[1].items()})
    time.tzset()


def _read_streams() -> list[Any]:
    return [getattr(sys, name) for name in STREAMS]


def _set_streams(streams: list[Any]) -> None:
    for name, stream in zip(STREAMS, streams, strict=True):
        setattr(sys, name, stream)


def _read_logging() -> tuple[int, list[logging.Handler]]:
    return logging.root.manager.disable, list(logging.root.handlers)


def _set_logging(state: tuple[int, list[logging.Handler]]) -> None:
    logging.disable(state[0])
    logging.root.handlers[:] = state[1]


# What it is called, how it is read, how it is set. Timers first: one may end the process.
STATE: list[tuple[str, Callable[[], Any], Callable[[Any], object]]] = [
    ("timers", _read_timers, _set_timers),
    ("signal handlers", _read_handlers, _set_handlers),
    (
        "signal mask",
        lambda: signal.pthread_sigmask(signal.SIG_BLOCK, []),
        lambda mask: signal.pthread_sigmask(signal.SIG_SETMASK, mask),
    ),
    ("recursion limit", sys.getrecursionlimit, sys.setrecursionlimit),
    ("resource limits", _read_limits, _set_limits),
    ("working directory", os.getcwd, os.chdir),
    ("file mode mask", read_umask, os.umask),
    ("environment", _read_environment, _set_environment),
    (
        "locale",
        lambda: locale.setlocale(locale.LC_ALL),
        lambda name: locale.setlocale(locale.LC_ALL, name),
    ),
    ("streams", _read_streams, _set_streams),
    ("logging", _read_logging, _set_logging),
    ("socket timeout", socket.getdefaulttimeout, socket.setdefaulttimeout),
    ("garbage collection", gc.isenabled, lambda on: gc.enable() if on else gc.disable()),
]


def _undo(read: Callable[[], Any], write: Callable[[Any], object], value: Any) -> bool:
    """Set a value again if it was changed; return whether it was."""
    with suppress(OSError):  # the working directory may be gone
        if read() == value:
            return False
    write(value)
    return True


@contextmanager
def process_restored() -> Iterator[None]:
    """Have the process as it was when the block ends, whatever a job has done to it.

    What cannot be seen stays: a changed function of a library, threads, files that were closed.
    A job that does such things belongs into a process of its own (`Context.run_child`).
    """
    process, values = os.getpid(), [read() for _, read, _ in STATE]
    with _connection_of_its_own():
        try:
            yield
        finally:
            if os.getpid() != process:  # a copy of this process that the job has made by os.fork()
                os._exit(1)
            changed = [
                name
                for (name, read, write), value in zip(STATE, values, strict=True)
                if _undo(read, write, value)
            ]
            if changed:
                logger.warning("the job changed its process (undone): %s", ", ".join(changed))


@contextmanager
def _connection_of_its_own() -> Iterator[None]:
    """Lend a job another database connection than the engine's, and close it afterwards.

    Nothing that a job does to it (`SET search_path`, `BEGIN`, a temporary table) concerns others.
    """
    own = connections[DEFAULT_DB_ALIAS]
    if own.in_atomic_block:  # in a test, whose rows the job is to see
        yield
        return
    # As `own.copy()`, which copies strings, too, and looks at each.
    address = {
        name: value.copy() if isinstance(value, dict) else value
        for name, value in own.settings_dict.items()
    }
    lent = connections[DEFAULT_DB_ALIAS] = type(own)(address, DEFAULT_DB_ALIAS)
    try:
        yield
    finally:
        connections[DEFAULT_DB_ALIAS] = own
        if lent.connection is not None:
            if lent.in_atomic_block or not lent.autocommit:
                logger.error("the job left a database transaction open; it was rolled back")
            lent.in_atomic_block = False
            lent.close()
