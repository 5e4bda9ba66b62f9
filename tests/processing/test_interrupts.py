"""A signal to a worker process, as its job sees it."""

import os
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.base import ContentFile

from backend_django.processing import heart
from backend_django.processing.attempt import (
    INTERRUPT,
    Attempt,
    WorkerStopping,
    stop_taking,
)
from backend_django.processing.models import ProcessingRequest
from backend_django.processing.processor import Context, Output, ProcessingError
from backend_django.processing.runner import run_next
from backend_django.processing.services import request_cancel, request_create
from backend_django.users.models import User
from tests.processing.conftest import GOOD, Job
from tests.stack import wait_for
from tests.wordcount.processor import WordCount


@pytest.fixture
def attempt(interrupts: None) -> Iterator[Attempt]:
    attempt = Attempt(ProcessingRequest())
    with attempt.interruptible():
        yield attempt


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


def is_told_to_stop(context: Context) -> None:
    stop_taking()
    interrupt()


def is_cancelled(context: Context) -> None:
    request_cancel(request=ProcessingRequest.objects.get())
    while True:
        context.progress(0)
        time.sleep(0.01)


def is_cancelled_and_never_asks(context: Context) -> None:
    request_cancel(request=ProcessingRequest.objects.get())
    time.sleep(30)


def takes_too_long(context: Context) -> None:
    time.sleep(30)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("raises", [True, False])
@pytest.mark.parametrize(
    ("interrupted", "status", "outcome", "code"),
    [
        (is_told_to_stop, "pending", "released", ""),
        (is_cancelled, "cancelled", "cancelled", ""),
        (is_cancelled_and_never_asks, "cancelled", "cancelled", ""),
        (takes_too_long, "failed", "failed", "time_limit"),
    ],
)
def test_job_that_catches_everything_has_not_failed_and_has_no_result(
    user: User, monkeypatch: pytest.MonkeyPatch, interrupts: None,
    interrupted: Job, raises: bool, status: str, outcome: str, code: str,
) -> None:  # fmt: skip
    def process(self: Any, context: Context) -> Output:
        try:
            interrupted(context)
        except Exception as error:
            if raises:
                raise ProcessingError("unreadable", "It cannot be read.") from error
        return Output(GOOD)  # without what it was at

    monkeypatch.setattr(heart, "SECONDS", 0.02)
    monkeypatch.setattr(WordCount, "process", process)
    seconds = 0.5 if interrupted is takes_too_long else 60
    monkeypatch.setattr(WordCount, "timeout", timedelta(seconds=seconds))
    file = ContentFile(b"one", name="a.txt")
    request, _ = request_create(
        owner=user,
        processor=WordCount,
        inputs={"file": [file]},
        parameters={"minimum_length": 1},
    )
    assert run_next(queue="processing") == [str(request.id)]
    request.refresh_from_db()
    assert (request.status, request.error_code) == (status, code)
    assert request.attempts.get().outcome == outcome
