import logging
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.test import Client

from backend_django.processing import heart
from backend_django.processing.attempt import INTERRUPT, _stopping, accept_interrupts
from backend_django.processing.models import ProcessingRequest
from backend_django.processing.processor import Context
from backend_django.processing.runner import run_next
from backend_django.processing.services import request_create
from backend_django.users.models import User
from tests.wordcount.processor import WordCount

GOOD = {"words": 1, "attempt": 1}
Job = Callable[[Context], Any]
Run = Callable[[Job], ProcessingRequest]


@pytest.fixture
def signed_in(client: Client, user: User) -> Client:
    client.force_login(user)
    return client


@pytest.fixture
def run(
    user: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, client: Client
) -> Run:
    """Run a job through the engine; check what must be true of every request that has ended."""
    monkeypatch.setattr(heart, "SECONDS", 0.02)
    formatted = logging.Formatter.formatException
    monkeypatch.setattr(  # pytest-xdist cannot pass on what these tests raise
        logging.Formatter, "formatException", lambda self, info: ascii(formatted(self, info))
    )
    client.force_login(user)

    def run(job: Job) -> ProcessingRequest:
        caplog.clear()
        monkeypatch.setattr(WordCount, "process", lambda self, context: job(context))
        request, _ = request_create(
            owner=user, processor=WordCount, inputs={"file": [ContentFile(b"one", name="a.txt")]},
            parameters={"minimum_length": 1},
        )  # fmt: skip
        try:
            assert run_next(queue="processing") == [str(request.id)]
        except BaseException as error:  # which pytest may not be able to show
            name = type.__repr__(type(error))
            pytest.fail(f"the engine has passed on {name}", pytrace=False)
        request.refresh_from_db()
        assert (request.attempt, request.status in {"completed", "failed"}) == (1, True)
        assert request.attempts.get().outcome == request.status
        results, download = (
            closed(client.get(f"/api/v1/wordcount/{address}/{request.id}/"))
            for address in ("results", "download-report")
        )
        if request.status == "completed":
            assert (results, download in {200, 404}) == (200, True)
        else:
            assert (results, download) == (409, 409)
            assert request.error_message
            errors = [record for record in caplog.records if record.levelname == "ERROR"]
            assert len(errors) == (request.error_code == "internal_error")
        return request

    return run


@pytest.fixture
def interrupts() -> Iterator[None]:
    """Be a process of a worker's pool, which a signal tells that an attempt is over."""
    before = signal.getsignal(INTERRUPT)
    accept_interrupts()
    yield
    signal.signal(INTERRUPT, before)
    _stopping[0] = 0


def closed(response: Any) -> int:
    response.close()
    return response.status_code


def written(context: Context, name: str = "report") -> Path:
    path = context.workdir / name
    path.write_text("content")
    return path
