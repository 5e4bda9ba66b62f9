"""The next request is claimed as the last one completes: nothing may be taken that is not owned."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.db import OperationalError, transaction

from backend_django.processing import attempt as attempts
from backend_django.processing import lifecycle
from backend_django.processing.models import ProcessingAttempt, ProcessingRequest
from backend_django.processing.processor import Context
from backend_django.processing.runner import run_next
from backend_django.processing.services import request_create
from backend_django.users.models import User
from tests.wordcount.processor import WordCount

pytestmark = pytest.mark.django_db(transaction=True)
QUEUE = "processing"


@pytest.fixture
def waiting(user: User) -> list[ProcessingRequest]:
    """Two requests that wait, the next one first."""
    return [
        request_create(
            owner=user,
            processor=WordCount,
            parameters={"minimum_length": 1},
            inputs={"file": [ContentFile(b"one", name="a.txt")]},
        )[0]
        for _ in range(2)
    ]


def history(request: ProcessingRequest) -> list[str]:
    rows = ProcessingAttempt.objects.filter(request=request).order_by("number")
    return list(rows.values_list("outcome", flat=True))


def test_next_request_is_not_begun_when_the_claim_was_undone(
    waiting: list[ProcessingRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = waiting
    complete, tries = lifecycle.complete, []

    def lose_the_commit(*args: Any, **kwargs: Any) -> bool:
        tries.append(args)
        if len(tries) > 1:
            return complete(*args, **kwargs)
        with transaction.atomic():
            complete(*args, **kwargs)
            assert ProcessingRequest.objects.get(id=second.id).status == "processing"
            transaction.set_rollback(True)
        # Meanwhile another worker has the first one, and a third one has the second.
        ProcessingRequest.objects.filter(id=first.id).update(attempt=2)
        assert lifecycle.claim(second.id)
        raise OperationalError("the connection was lost at the commit")

    monkeypatch.setattr(lifecycle, "complete", lose_the_commit)
    assert run_next(queue=QUEUE) == [str(first.id)]
    assert history(second) == ["running"], "by who claimed it, once"


def test_next_request_is_given_back_when_the_shift_breaks(
    waiting: list[ProcessingRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def fails_afterwards(_: attempts.Attempt) -> Iterator[None]:
        yield
        raise RuntimeError("of a module that observes")

    monkeypatch.setattr(attempts, "observers", [fails_afterwards])
    with pytest.raises(RuntimeError):
        run_next(queue=QUEUE)
    first, second = (ProcessingRequest.objects.get(id=request.id) for request in waiting)
    assert (first.status, second.status) == ("completed", "pending")
    assert history(second) == ["released"]
    assert second.max_attempts == waiting[1].max_attempts + 1, "which costs no attempt"


def test_next_request_is_given_back_when_the_answer_of_a_commit_was_lost(
    waiting: list[ProcessingRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = waiting
    complete, tries = lifecycle.complete, []

    def lose_the_answer(*args: Any, **kwargs: Any) -> bool:
        owned = complete(*args, **kwargs)
        tries.append(owned)
        if len(tries) == 1:
            raise OperationalError("the connection was lost behind the commit")
        return owned

    monkeypatch.setattr(lifecycle, "complete", lose_the_answer)
    assert run_next(queue=QUEUE) == [str(first.id), str(second.id)]
    assert tries == [True, False, True]
    assert history(second) == ["released", "completed"]
    now = ProcessingRequest.objects.get(id=second.id)
    assert now.max_attempts == second.max_attempts + 1, "which costs no attempt"


def test_requests_are_claimed_and_completed_in_the_same_commit(
    waiting: list[ProcessingRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def written_by(table: str, request: ProcessingRequest) -> int:
        with transaction.get_connection().cursor() as cursor:
            cursor.execute(f"SELECT xmin FROM {table} WHERE request_id = %s", [request.id])
            return cursor.fetchone()[0]

    def look(self: WordCount, context: Context) -> None:
        if str(context.request_id) == str(waiting[1].id):
            seen.append(written_by("processing_processingattempt", waiting[1]))
            seen.append(written_by("processing_processingresult", waiting[0]))

    monkeypatch.setattr(WordCount, "validate", look)
    assert len(run_next(queue=QUEUE)) == 2
    assert seen[0] == seen[1]
