"""The processor time of jobs is measured, whatever they do, and bounded by the day."""

from typing import Any

import pytest
from django.core.files.base import ContentFile

from backend_django.processing.models import ProcessingRequest
from backend_django.processing.runner import run_next
from backend_django.processing.services import request_create
from backend_django.uploads import quota
from backend_django.users.models import User
from tests.wordcount.processor import WordCount

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


def submit(user: User, content: bytes) -> ProcessingRequest:
    upload = ContentFile(content, name="a.txt")
    return request_create(
        owner=user, processor=WordCount, inputs={"file": [upload]}, parameters={"minimum_length": 1}
    )[0]


def spent(user: User) -> float:
    return quota.usage_of(user.pk)["cpu_seconds"]


def test_the_time_of_a_child_that_fails_is_counted(user: User) -> None:
    request = submit(user, b"CHILD processor")  # is ended after a second of it
    run_next(queue="processing")
    request.refresh_from_db()
    assert request.error_code == "time_limit"
    first = spent(user)
    assert first > 0.5
    request.delete()
    submit(user, b"one")
    run_next(queue="processing")
    assert first < spent(user) < first + 0.5


def test_an_owner_who_is_gone_meanwhile_harms_nothing(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(user, b"one")
    monkeypatch.setattr(WordCount, "process", lambda self, context: user.delete())
    assert len(run_next(queue="processing")) == 1
    assert not ProcessingRequest.objects.exists()


def test_a_request_of_somebody_who_has_used_it_up_is_not_begun(
    user: User, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.PROCESSING_DAILY_CPU_SECONDS = 60
    begun: list[Any] = []
    monkeypatch.setattr(WordCount, "validate", lambda self, context: begun.append(context))
    requests = [submit(user, b"one") for _ in range(3)]
    quota.work_count(owner_id=user.pk, seconds=60)
    while run_next(queue="processing"):
        pass
    for request in requests:
        request.refresh_from_db()
        assert (request.status, request.error_code) == ("failed", "daily_work_limit")
        assert "after midnight UTC" in request.error_message
    assert not begun
