"""A signal to a worker process, as its job sees it."""

import os
import signal
from collections.abc import Iterator

import pytest

from backend_django.processing.attempt import INTERRUPT, Attempt, WorkerStopping, accept_interrupts
from backend_django.processing.models import ProcessingRequest


@pytest.fixture
def attempt() -> Iterator[Attempt]:
    before = signal.getsignal(INTERRUPT)
    accept_interrupts()
    attempt = Attempt(ProcessingRequest())
    with attempt.interruptible():
        yield attempt
    signal.signal(INTERRUPT, before)


def interrupt() -> None:
    os.kill(os.getpid(), INTERRUPT)


def test_what_a_job_does_on_its_way_out_is_not_interrupted_again(attempt: Attempt) -> None:
    with pytest.raises(WorkerStopping):
        interrupt()
    interrupt()


def test_a_swallowed_interrupt_is_not_the_last(
    attempt: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(WorkerStopping):
        interrupt()
    monkeypatch.setattr(Attempt, "interrupt_pause", 0.0)
    with pytest.raises(WorkerStopping):
        interrupt()
