"""What a feature sends to a worker goes when the rows it is about can be read there."""

from typing import Any

import pytest
from django.db import transaction

from backend_django.utils import tasks

TASK = "backend_django.rivers.tasks.remind"


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, tuple[Any, ...]]]:
    found: list[tuple[str, tuple[Any, ...]]] = []
    monkeypatch.setattr(
        tasks.current_app, "send_task", lambda name, arguments: found.append((name, arguments))
    )
    return found


@pytest.mark.django_db(transaction=True)
def test_it_goes_with_the_commit_and_not_before(sent: list[Any]) -> None:
    with transaction.atomic():
        tasks.send_on_commit(TASK, "a", 1)
        assert sent == []
    assert sent == [(TASK, ("a", 1))]


@pytest.mark.django_db(transaction=True)
def test_without_a_commit_it_does_not_go(sent: list[Any]) -> None:
    with transaction.atomic():
        tasks.send_on_commit(TASK, "a")
        transaction.set_rollback(True)
    assert sent == []


@pytest.mark.django_db(transaction=True)
def test_a_broker_that_is_away_undoes_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: Any) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(tasks.current_app, "send_task", refuse)
    with transaction.atomic():
        tasks.send_on_commit(TASK, "a")
    assert f"{TASK} ('a',) was not sent: ConnectionRefusedError" in caplog.text
