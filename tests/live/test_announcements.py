"""Whatever changes what the API says of a request is announced: PostgreSQL watches the rows."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import redis
from django.db import connection, transaction
from django.utils import timezone

from backend_django.live import publish
from backend_django.processing import advance, lifecycle, reaper, services
from backend_django.processing.api.state import COLUMNS
from backend_django.processing.models import ProcessingRequest
from backend_django.processing.registry import get_processor
from backend_django.users.models import User
from backend_django.utils.breaker import Breaker
from tests.stack import wait_for

pytestmark = pytest.mark.django_db(transaction=True)

WATCH = """
    CREATE TABLE changes_watched (id uuid, number serial);
    CREATE FUNCTION watch_changes() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO changes_watched (id) VALUES (coalesce(NEW.id, OLD.id)); RETURN NULL;
    END $$;
    CREATE TRIGGER watch_writes AFTER INSERT OR DELETE ON processing_processingrequest
        FOR EACH ROW EXECUTE FUNCTION watch_changes();
    CREATE TRIGGER watch_updates AFTER UPDATE ON processing_processingrequest
        FOR EACH ROW WHEN (({old}) IS DISTINCT FROM ({new})) EXECUTE FUNCTION watch_changes();
"""
UNWATCH = """
    DROP TRIGGER watch_writes ON processing_processingrequest;
    DROP TRIGGER watch_updates ON processing_processingrequest;
    DROP FUNCTION watch_changes; DROP TABLE changes_watched;
"""


@pytest.fixture
def changed(db: None) -> Iterator[Callable[[], list[str]]]:
    """Return what gives the ids of the rows that have changed, once for each change."""
    known = {field.name: field.column for field in ProcessingRequest._meta.fields}
    columns = [known[name] for name in COLUMNS]
    old, new = (", ".join(f"{row}.{name}" for name in columns) for row in ("OLD", "NEW"))
    with connection.cursor() as cursor:
        cursor.execute(WATCH.format(old=old, new=new))

        def read() -> list[str]:
            cursor.execute("SELECT id FROM changes_watched ORDER BY number")
            return [str(row[0]) for row in cursor.fetchall()]

        yield read
        cursor.execute(UNWATCH)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the ids that are announced, as they are."""
    told: list[str] = []

    def keep(changes: Sequence[publish.Change]) -> None:
        for change in changes:
            if change.topic == "request":
                told.extend(map(str, change.ids))

    monkeypatch.setattr(publish, "publish_all", keep)
    return told


def make(owner: User, kind: str = "survey", **columns: Any) -> ProcessingRequest:
    made, _ = services.request_create(owner=owner, processor=get_processor(kind))
    if columns:
        ProcessingRequest.objects.filter(id=made.id).update(**columns)
    return made


def claimed(owner: User) -> ProcessingRequest:
    request = lifecycle.claim(make(owner).id)
    assert request
    return request


def a_life(owner: User) -> None:
    request = claimed(owner)
    lifecycle.complete(request.id, 1, data={}, files={})


def a_failure_and_a_retry(owner: User) -> None:
    request = claimed(owner)
    lifecycle.fail(request.id, 1, code="bad", message="Bad.")
    services.request_retry(request=request)


def a_policy(owner: User) -> None:
    lifecycle.retry_later(claimed(owner).id, 1, pause=1, code="bad", message="Bad.")


def a_worker_that_stops(owner: User) -> None:
    lifecycle.release(claimed(owner).id, 1)


def a_worker_that_is_lost(owner: User) -> None:
    request = claimed(owner)
    past = timezone.now() - timedelta(seconds=1)
    ProcessingRequest.objects.filter(id=request.id).update(lease_expires_at=past)
    reaper.reap_expired()


def cancelled_while_it_waits(owner: User) -> None:
    services.request_cancel(request=make(owner))


def cancelled_while_it_runs(owner: User) -> None:
    request = claimed(owner)
    services.request_cancel(request=request)
    lifecycle.confirm_cancel(request.id, 1)


def a_deadline(owner: User) -> None:
    make(owner, deadline_at=timezone.now() - timedelta(seconds=1))
    reaper.fail_overdue()


def deleted(owner: User) -> None:
    services.request_delete(request=make(owner))


def an_account_that_goes(owner: User) -> None:
    make(owner)
    owner.delete()


def a_pipeline(owner: User) -> None:
    request = claimed(owner)
    lifecycle.hand_over(request.id, 1)
    lifecycle.report(request.id, 1, progress=40)
    services.request_cancel(request=request)
    advance.advance(request.id)


LIVES = (
    a_life, a_failure_and_a_retry, a_policy, a_worker_that_stops, a_worker_that_is_lost,
    cancelled_while_it_waits, cancelled_while_it_runs, a_deadline, deleted, an_account_that_goes,
    a_pipeline,
)  # fmt: skip


@pytest.mark.parametrize("life", LIVES, ids=lambda life: life.__name__)
def test_every_change_is_announced(
    user: User, changed: Callable[[], list[str]], told: list[str], life: Callable[[User], None]
) -> None:
    life(user)
    seen = changed()
    assert len(seen) > 1
    for request_id in {*seen}:
        assert told.count(request_id) >= seen.count(request_id), "a change was announced to nobody"
    assert len(told) <= len(seen) + 1  # nor is there much that is announced for nothing


def test_what_is_undone_is_not_announced(user: User, told: list[str]) -> None:
    from django.db import transaction

    with transaction.atomic():
        make(user)
        transaction.set_rollback(True)
    assert told == []


def test_changes_of_a_transaction_are_told_in_one_trip(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    trips: list[list[str]] = []
    monkeypatch.setattr(publish, "_tell", lambda told: trips.append([it.topic for it in told]))

    def tell(topic: str) -> None:
        publish.publish_on_commit(user_ids=[1], topic=topic)

    with transaction.atomic():
        tell("first")
        with suppress(ValueError), transaction.atomic():
            tell("undone")
            raise ValueError
        tell("second")
        assert not trips
    tell("alone")
    assert trips == [["first", "second"], ["alone"]]


def test_what_was_missed_is_told_by_itself(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The process has nothing else to announce, so that nothing but a timer can tell it."""
    asked, told = [], []

    class Pipeline:
        def __getattr__(self, name: str) -> Callable[..., None]:
            return lambda *details, **_: told.append((name, details[0]))

        def execute(self) -> None:
            asked.append(1)
            if len(asked) < 3:
                told.clear()
                raise redis.ConnectionError

    monkeypatch.setattr(
        publish, "_client", lambda _: SimpleNamespace(pipeline=lambda **_: Pipeline())
    )
    monkeypatch.setattr(publish, "_breaker", Breaker(pause=0.01))
    publish.publish(user_ids=[1, 2], topic="request", ids=["a"])
    wait_for(lambda: len(asked) == 3, what="it is told")
    assert {key for name, key in told if name == "publish"} == {publish.bell(1), publish.bell(2)}
    wait_for(lambda: publish._teller is None, what="nothing goes on when all is told")
