"""Whatever ends a request, receivers hear of it in the same transaction, and none can spoil it."""

import ast
import logging
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import IntegrityError, OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from backend_django.processing import events, lifecycle, reaper
from backend_django.processing.models import ProcessingRequest, ProcessingResult
from backend_django.processing.services import request_cancel
from backend_django.users.models import User
from tests.stack import ROOT

pytestmark = pytest.mark.django_db(transaction=True)
Status = ProcessingRequest.Status


class BoomError(Exception):
    pass


@pytest.fixture
def receivers(monkeypatch: pytest.MonkeyPatch) -> list[events.Receiver]:
    """Replace all receivers by those of a test."""
    mine: list[events.Receiver] = []
    monkeypatch.setattr(events, "_receivers", mine)
    return mine


@pytest.fixture
def heard(receivers: list[events.Receiver]) -> list[tuple[str, str, bool]]:
    """Return what a receiver hears: status, error code, and whether there is a result."""
    heard: list[tuple[str, str, bool]] = []

    def listen(requests: Sequence[ProcessingRequest]) -> None:
        assert connection.in_atomic_block
        for request in requests:
            stored = ProcessingRequest.objects.get(id=request.id)
            for field in ProcessingRequest._meta.concrete_fields:
                assert getattr(request, field.attname) == getattr(stored, field.attname), field
            has_result = ProcessingResult.objects.filter(request=request).exists()
            if has_result:
                assert request.result == ProcessingResult.objects.get(request=request)
            heard.append((request.status, request.error_code, has_result))

    receivers.append(listen)
    return heard


def make(owner: User, kind: str = "wordcount", **fields: Any) -> ProcessingRequest:
    return ProcessingRequest.objects.create(
        owner=owner, kind=kind, name="n", input_file="x", input_name="x", input_size=1, **fields
    )


def claimed(owner: User, **fields: Any) -> ProcessingRequest:
    request = lifecycle.claim(make(owner, **fields).id)
    assert request
    return request


def lose(request: ProcessingRequest) -> None:
    """Let the reaper find that the worker of a request was not heard of."""
    ProcessingRequest.objects.filter(id=request.id).update(
        lease_expires_at=timezone.now() - timedelta(seconds=1)
    )
    reaper.reap_expired()


def complete(owner: User) -> None:
    assert lifecycle.complete(claimed(owner).id, 1, data={"words": 1}, files={})


def fail(owner: User) -> None:
    assert lifecycle.fail(claimed(owner).id, 1, code="bad", message="Bad.")


def cancel_pending(owner: User) -> None:
    request_cancel(request=make(owner))


def cancel_running(owner: User) -> None:
    request = claimed(owner)
    request_cancel(request=request)
    assert lifecycle.confirm_cancel(request.id, 1)


def release_cancelled(owner: User) -> None:
    request = claimed(owner)
    request_cancel(request=request)
    assert lifecycle.release(request.id, 1)


def lose_cancelled(owner: User) -> None:
    request = claimed(owner)
    request_cancel(request=request)
    lose(request)


def lose_last_attempt(owner: User) -> None:
    lose(claimed(owner, max_attempts=1))


def wait_for_unknown_kind(owner: User) -> None:
    request = make(owner, kind="gone")
    old = timezone.now() - timedelta(hours=2)
    ProcessingRequest.objects.filter(id=request.id).update(created_at=old)
    assert reaper.fail_unknown() == 1


ENDS: dict[Callable[[User], None], tuple[str, str, bool]] = {
    complete: ("completed", "", True),
    fail: ("failed", "bad", False),
    cancel_pending: ("cancelled", "", False),
    cancel_running: ("cancelled", "", False),
    release_cancelled: ("cancelled", "", False),
    lose_cancelled: ("cancelled", "", False),
    lose_last_attempt: ("failed", "worker_lost", False),
    wait_for_unknown_kind: ("failed", "unknown_kind", False),
}


@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)
def test_every_way_to_end_is_heard_once(
    user: User, heard: list[tuple[str, str, bool]], end: Callable[[User], None]
) -> None:
    end(user)
    assert heard == [ENDS[end]]


def test_what_does_not_end_is_not_heard(user: User, heard: list[tuple[str, str, bool]]) -> None:
    lifecycle.release(claimed(user).id, 1)
    lose(claimed(user))
    running = claimed(user)
    request_cancel(request=running)
    assert not lifecycle.complete(running.id, 7, data={}, files={})
    assert not lifecycle.fail(running.id, 7, code="x", message="x")
    assert heard == []


@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)
@pytest.mark.parametrize(
    "fault", [BoomError(), IntegrityError(), "in the database", "at the commit"], ids=str
)
def test_receiver_that_fails_spoils_nothing(
    user: User,
    receivers: list[events.Receiver],
    caplog: pytest.LogCaptureFixture,
    end: Callable[[User], None],
    fault: Exception | str,
) -> None:
    """Nor is it silent. What it wrote is undone, what others wrote is there."""

    def write(name: str) -> events.Receiver:
        def receiver(requests: Sequence[ProcessingRequest]) -> None:
            Group.objects.create(name=name)

        return receiver

    def fail(requests: Sequence[ProcessingRequest]) -> None:
        Group.objects.create(name="undone")
        if isinstance(fault, Exception):
            raise fault
        if fault == "at the commit":  # where PostgreSQL checks what rows refer to
            Permission.objects.create(content_type_id=999_999, codename="x", name="x")
            return
        Group.objects.create(name="undone")

    receivers += [write("before"), fail, write("after")]
    with caplog.at_level(logging.ERROR):
        end(user)
    assert sorted(Group.objects.values_list("name", flat=True)) == ["after", "before"]
    ended = ProcessingRequest.objects.get()
    assert (ended.status, ended.error_code) == ENDS[end][:2]
    [record] = caplog.records
    assert str(ended.id) in record.getMessage()
    assert record.exc_info


def test_reference_to_a_deleted_row_spoils_no_transaction_of_others(
    user: User, receivers: list[events.Receiver]
) -> None:
    """A cancel over the API is committed with the HTTP request's transaction."""
    receivers.append(
        lambda requests: Permission.objects.create(content_type_id=999_999, codename="x", name="x")
    )
    with transaction.atomic():
        request_cancel(request=make(user))
    assert ProcessingRequest.objects.get().status == "cancelled"


def test_one_poisonous_request_of_many_concerns_itself_alone(
    user: User, receivers: list[events.Receiver]
) -> None:
    lost = [claimed(user, max_attempts=1) for _ in range(3)]
    told: list[UUID] = []

    def receiver(requests: Sequence[ProcessingRequest]) -> None:
        if any(request.id == lost[1].id for request in requests):
            raise BoomError
        told.extend(request.id for request in requests)

    receivers.append(receiver)
    ProcessingRequest.objects.update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    reaper.reap_expired()
    assert set(told) == {lost[0].id, lost[2].id}
    assert ProcessingRequest.objects.filter(status="failed").count() == 3


def test_end_that_is_undone_undoes_what_receivers_wrote(
    user: User, receivers: list[events.Receiver]
) -> None:
    receivers.append(lambda requests: Group.objects.create(name="undone"))
    request = claimed(user)
    with transaction.atomic():
        assert lifecycle.fail(request.id, 1, code="x", message="x")
        assert Group.objects.exists()
        transaction.set_rollback(True)
    assert not Group.objects.exists()
    request.refresh_from_db()
    assert request.status == "processing"


def test_connection_lost_in_a_receiver_is_not_taken_for_an_end(
    user: User, receivers: list[events.Receiver]
) -> None:
    def lose_connection(requests: Sequence[ProcessingRequest]) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    receivers.append(lose_connection)
    request = claimed(user)
    with pytest.raises(OperationalError):
        lifecycle.complete(request.id, 1, data={}, files={})
    connection.close()
    request.refresh_from_db()
    assert request.status == "processing"


def test_receivers_get_all_requests_of_a_round_at_once(
    user: User, receivers: list[events.Receiver]
) -> None:
    rounds: list[int] = []
    receivers.append(lambda requests: rounds.append(len(requests)))
    for _ in range(5):
        claimed(user, max_attempts=1)
    ProcessingRequest.objects.update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    reaper.reap_expired()
    assert rounds == [5]


def test_the_end_of_a_request_costs_one_statement(
    user: User, receivers: list[events.Receiver]
) -> None:
    """Request, attempt and result; that somebody listens costs none."""
    receivers.append(lambda requests: None)
    request = claimed(user)
    with CaptureQueriesContext(connection) as queries:
        assert lifecycle.complete(request.id, 1, data={}, files={})
    assert [query["sql"].split()[0] for query in queries] == ["BEGIN", "WITH", "COMMIT"]


def test_nothing_else_brings_requests_to_an_end() -> None:
    """A final status that was written by a plain `update()` would be heard by nobody."""
    ending = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in (ROOT / "backend_django").rglob("*.py")
        if "tests" not in path.parts
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in {"update", "save"}
        for keyword in node.keywords
        if keyword.arg == "status" and "Status.PENDING" not in ast.unparse(keyword.value)
    ]
    assert ending == []
