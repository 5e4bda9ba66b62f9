"""The worker's hold on a request while it works: heartbeat, progress, and being interrupted."""

import logging
import mmap
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from types import FrameType
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

from backend_django.utils.text import clean_text

from . import lifecycle
from .changes import announce_changes
from .errors import Cancelled, ProcessingError
from .heart import start_beating, stop_beating, tick
from .models import ProcessingRequest

logger = logging.getLogger(__name__)
Phase = ProcessingRequest.Phase
INTERRUPT = signal.SIGUSR2
_stopping = mmap.mmap(-1, 1)  # one byte that a worker and the processes it forks share
MAX_CALLS = 100  # to outside services, that an attempt's history remembers

STEP_LIMIT = 40  # characters

# How much of the bar each phase has: (from, to) in percent. Saving is a rename or an upload.
SHARE = {
    Phase.VALIDATE: (0, 5),
    Phase.PROCESS: (5, 90),
    Phase.SAVE: (90, 98),
    Phase.CLEANUP: (98, 99),
}


class Attempt:
    """Says "still here" from another thread (heart.py), and learns whether to go on.

    When the database cannot be reached for a whole lease, the attempt counts itself as lost:
    somebody else may have the request by then.

    Code that never asks (`check`) is interrupted by a signal, as is a worker that has to stop.
    """

    current: "Attempt | None" = None  # the one this process works on, while it may be interrupted

    interrupt_pause = 10.0  # seconds that what a job does on its way out has before the next one

    def __init__(self, request: ProcessingRequest, time_limit: float | None = None) -> None:
        self.request = request
        self.time_limit = time_limit or settings.PROCESSING_TIME_LIMIT_SECONDS
        self.phase = ""
        self.step = ""
        self.percent = 0
        self.outcome = ""  # in a word or two, when it has ended
        self.error_code = ""  # when it has failed
        self.interruption: Exception | None = None  # what it was told to stop with
        self.raised: BaseException | None = None  # by the feature's own code
        self.listeners: list[Callable[[str, str], None]] = []  # called with each phase and step
        self._calls: list[dict[str, Any]] = []
        self._began = time.monotonic()
        self._lost = threading.Event()
        self._interrupted_at = float("-inf")
        self._said: dict[str, Any] | None = None
        self._said_at = self._began
        self._is_over = False
        self._beating = threading.Lock()

    def __enter__(self) -> "Attempt":
        start_beating(self._beat)
        return self

    def __exit__(self, *_: object) -> None:
        stop_beating(self._beat)
        with self._beating:  # what has begun ends first
            self._is_over = True

    @property
    def is_lost(self) -> bool:
        """Whether the request was cancelled or deleted, or another attempt has it."""
        return self._lost.is_set()

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Let a signal raise here and nowhere else: what we write to the database ends whole."""
        Attempt.current = self
        try:
            yield
        except BaseException as error:
            self.raised = error
            raise
        finally:
            Attempt.current = None

    def enter_phase(self, phase: Phase) -> None:
        self.phase, self.step = phase, ""
        self._tell()
        self.on_progress(0.0)
        self.check()

    def on_step(self, name: object) -> None:
        step = clean_text(name)[:STEP_LIMIT]
        if step != self.step:
            self.step = step
            self._tell()

    def _tell(self) -> None:
        for listen in self.listeners:
            listen(self.phase, self.step)

    def on_progress(self, fraction: float) -> None:
        start, end = SHARE[Phase(self.phase)]
        self.percent = max(self.percent, int(start + (end - start) * fraction))

    def on_call(self, call: dict[str, Any]) -> None:
        self._calls = [*self._calls, call][-MAX_CALLS:]
        lifecycle.record_calls(self.request.id, self.request.attempt, self._calls)

    def check(self) -> None:
        """Raise why this attempt is to stop, again where a job has caught it.

        Raises:
            Cancelled, WorkerStopping, ProcessingError("time_limit"): the reasons there are.
        """
        if self._lost.is_set():
            self.interruption = Cancelled()
        elif self._is_overdue():
            minutes = self.time_limit / 60
            self.interruption = ProcessingError(
                "time_limit",
                "This took longer than the %(minutes)s minutes that are allowed.",
                minutes=f"{minutes:g}",
            )
        if self.interruption:
            raise self.interruption

    def reached(self) -> dict[str, Any]:
        """Return the progress as columns of the row."""
        return {"phase": self.phase, "step": self.step, "progress": self.percent}

    def _is_overdue(self) -> bool:
        return time.monotonic() - self._began > self.time_limit

    def _interrupt(self) -> None:
        signal.pthread_kill(threading.main_thread().ident or 0, INTERRUPT)

    def _beat(self) -> None:
        with self._beating:
            if self._is_over or self.is_lost or time.monotonic() - self._began < tick():
                return
            if self._is_overdue():
                self._interrupt()
            state = self.reached()
            age = time.monotonic() - self._said_at
            if state == self._said and age < settings.PROCESSING_HEARTBEAT_SECONDS:
                return
            try:
                go_on = lifecycle.heartbeat(self.request.id, self.request.attempt, **state)
            except Exception as error:
                # Whatever it is, a heartbeat that ends would cost a living job its lease.
                if not isinstance(error, OperationalError | InterfaceError):
                    logger.exception("the heartbeat of %s failed", self.request.id)
                connection.close()
                go_on = age < settings.PROCESSING_LEASE_SECONDS
            else:
                if state != self._said:
                    announce_changes([self.request])
                self._said, self._said_at = state, time.monotonic()
            if not go_on:
                self._lost.set()
                self._interrupt()


# What modules add: each is entered with an attempt for as long as it is worked on.
observers: list[Callable[[Attempt], AbstractContextManager[None]]] = []


@contextmanager
def notify_observers(attempt: Attempt) -> Iterator[None]:
    with ExitStack() as stack:
        for observe in observers:
            stack.enter_context(observe(attempt))
        yield


def stop_taking() -> None:
    """Have this worker take no request from now on, in any of its processes."""
    _stopping[0] = 1


def is_stopping() -> bool:
    """Return whether this worker was asked to stop."""
    return bool(_stopping[0])


class WorkerStopping(Exception):  # noqa: N818 (nothing went wrong)
    """The worker was asked to stop and its grace is over."""


def _on_interrupt(signum: int, frame: FrameType | None) -> None:
    """Runs in the main thread, where Celery's worker processes run their tasks."""
    attempt, now = Attempt.current, time.monotonic()
    if attempt is None or now - attempt._interrupted_at < Attempt.interrupt_pause:
        return
    attempt._interrupted_at = now  # a library may swallow one, so it is not the last
    attempt.check()  # raises when the heartbeat has found that the attempt is over
    attempt.interruption = WorkerStopping()
    raise attempt.interruption


def accept_interrupts() -> None:
    """Install the handler in a worker process; without it the signal would end the process."""
    signal.signal(INTERRUPT, _on_interrupt)
