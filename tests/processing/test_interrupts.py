"""A signal to a worker process, as its job sees it."""

import os
import signal
from collections.abc import Iterator

import pytest

from backend_django.processing import heart
from backend_django.processing.attempt import INTERRUPT, Attempt, WorkerStopping, accept_interrupts
from backend_django.processing.models import ProcessingRequest
from tests.stack import wait_for


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


def test_a_heartbeat_that_raises_is_not_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heart, "SECONDS", 0.01)
    seen: list[str] = []

    def fails() -> None:
        seen.append("fails")
        raise RuntimeError

    def goes_on() -> None:
        seen.append("goes on")

    heart.start_beating(fails)
    heart.start_beating(goes_on)
    try:
        wait_for(lambda: min(map(seen.count, ("fails", "goes on"))) > 2, what="they beat")
    finally:
        heart.stop_beating(fails)
        heart.stop_beating(goes_on)
    wait_for(lambda: not heart._wanted.is_set(), what="it rests when nothing is to be said")
