"""Notifications in the app: who gets which, listed, counted, read, announced and removed."""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.utils.encoders import JSONEncoder

from backend_django.live import publish
from backend_django.notifications.api.live import describe_notifications
from backend_django.notifications.deliveries import delivery_test
from backend_django.notifications.inbox import count_unread, notifications_mark_read
from backend_django.notifications.models import (
    Notification,
    NotificationPreference,
    Webhook,
    WebhookDelivery,
)
from backend_django.notifications.receivers import _BATCHES_ENDED
from backend_django.notifications.services import preference_set, webhook_create
from backend_django.notifications.tasks import maintenance_tidy_deliveries
from backend_django.processing import lifecycle, reaper
from backend_django.processing.models import ProcessingRequest
from backend_django.processing.services import request_delete, request_retry
from backend_django.users.models import User
from backend_django.users.services import account_delete

from .conftest import end, make

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
URL = "/api/v1/notifications"
Told = list[tuple[Any, list[Any]]]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    """Return whom notifications were announced to, and which."""
    told: Told = []

    def keep(changes: Sequence[publish.Change]) -> None:
        for user_ids, topic, ids in changes:
            if topic == "notification":
                told.extend((user, list(ids)) for user in user_ids)

    monkeypatch.setattr(publish, "publish_all", keep)
    return told


@pytest.fixture
def other(db: None) -> User:
    return User.objects.create_user("eve@example.org", "pw")


@pytest.mark.parametrize(
    ("wanted", "kinds"),
    [
        (None, ["request.failed", "request.completed"]),
        ("ended", ["request.failed", "request.completed"]),
        ("failed", ["request.failed"]),
        ("never", []),
    ],
)
def test_owner_is_notified_of_what_they_want(
    visitor: Client, user: User, told: Told, wanted: str | None, kinds: list[str]
) -> None:
    """Nobody is told of what they cancelled."""
    if wanted:
        preference_set(user=user, page=wanted)
    for status in ("completed", "failed", "cancelled"):
        end(user, status, name=status)
    listed = visitor.get(f"{URL}/").json()["results"]
    assert [each["kind"] for each in listed] == kinds
    assert visitor.get(f"{URL}/unread/").json() == {"count": len(kinds)}
    assert [(who, [str(id_) for id_ in ids]) for who, ids in told] == [
        (user.id, [each["id"]]) for each in reversed(listed)
    ]


def test_notification_says_what_happened_and_to_what(visitor: Client, user: User) -> None:
    request = end(user, "failed", name="dunes\nof May")
    [listed] = visitor.get(f"{URL}/").json()["results"]
    assert listed["text"] == "Word count “dunes of May” failed: This is not text."
    assert (listed["request_kind"], listed["request"]) == ("wordcount", str(request.id))
    assert (listed["batch"], listed["read_at"]) == (None, None)


def test_steps_of_a_pipeline_bring_none(user: User) -> None:
    parent = make(user)
    end(user, parent=parent, step_key="one")
    assert not Notification.objects.exists()


def batch_of(user: User, size: int) -> list[ProcessingRequest]:
    """Make requests of one batch, each claimed by a worker."""
    batch = uuid4()
    made = [make(user, batch=batch, max_attempts=1) for _ in range(size)]
    claimed = [lifecycle.claim(request.id) for request in made]
    return [request for request in claimed if request]


def test_batch_brings_one_when_all_of_it_has_ended(visitor: Client, user: User, told: Told) -> None:
    requests = batch_of(user, 5)
    end(user)  # which is of no batch
    for request in requests[:3]:
        assert lifecycle.complete(request.id, 1, data={}, files={})
    ProcessingRequest.objects.filter(id=requests[3].id).update(cancel_requested=True)
    assert lifecycle.confirm_cancel(requests[3].id, 1)
    assert [each["kind"] for each in listed(visitor)] == ["request.completed"]
    lifecycle.fail(requests[4].id, 1, code="x", message="x")
    found, _ = listed(visitor)
    assert found["text"] == (
        "Word count: 5 requests have ended: 3 completed, 1 failed, 1 cancelled."
    )
    assert (found["kind"], found["request_kind"]) == ("batch.failed", "wordcount")
    assert (found["request"], found["batch"]) == (None, str(requests[0].batch))
    assert told[-1] == (user.id, [UUID(found["id"])])

    notifications_mark_read(user=user)
    request_retry(request=ProcessingRequest.objects.get(id=requests[4].id))
    assert lifecycle.claim(requests[4].id)
    assert lifecycle.complete(requests[4].id, 2, data={}, files={})
    again, _ = listed(visitor)
    assert (again["id"], again["read_at"]) == (found["id"], None)
    assert (again["kind"], "4 completed, 1 cancelled" in again["text"]) == ("batch.completed", True)


def test_batch_that_ends_at_the_same_time_brings_one(user: User, told: Told) -> None:
    """Its last requests would see each other as open, if they did not wait for each other."""
    requests = batch_of(user, 8)
    at_once = Barrier(len(requests))

    def finish(request: ProcessingRequest) -> None:
        try:
            with transaction.atomic():
                ProcessingRequest.objects.filter(id=request.id).first()
                at_once.wait(30)
                assert lifecycle.complete(request.id, 1, data={}, files={})
        finally:
            connection.close()

    with ThreadPoolExecutor(len(requests)) as pool:
        list(pool.map(finish, requests))
    assert Notification.objects.get().kind == "batch.completed"
    assert len(told) == 1


def test_batch_that_ends_in_one_round_brings_one(user: User) -> None:
    for _ in range(2):
        batch_of(user, 3)
    user.processing_requests.update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    assert len(reaper.reap_expired()) == 6
    texts = list(Notification.objects.values_list("text", flat=True))
    assert texts == ["Word count: 3 requests have ended: 3 failed."] * 2


def test_end_in_an_open_batch_reads_few_pages(user: User) -> None:
    """Also where PostgreSQL knows nothing of the rows yet: each end of a thousand pays for it."""
    requests = batch_of(user, 200)
    for request in requests[:20]:
        assert lifecycle.complete(request.id, 1, data={}, files={})
    with connection.cursor() as cursor:
        explained = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {_BATCHES_ENDED}"
        cursor.execute(explained, [[requests[0].batch]])
        [[[plan]]] = cursor.fetchall()
    assert plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"] < 40


@pytest.mark.parametrize(("wanted", "told_of"), [("failed", ["batch.failed"]), ("never", [])])
def test_batch_is_told_of_as_its_owner_wants(user: User, wanted: str, told_of: list[str]) -> None:
    preference_set(user=user, page=wanted)
    good, bad = batch_of(user, 2), batch_of(user, 2)
    for request in [*good, bad[0]]:
        assert lifecycle.complete(request.id, 1, data={}, files={})
    lifecycle.fail(bad[1].id, 1, code="x", message="x")
    assert list(Notification.objects.values_list("kind", flat=True)) == told_of


@pytest.mark.parametrize("deleted", [1, 2], ids=["the last", "all the rest"])
def test_batch_whose_open_requests_are_deleted_brings_one(
    visitor: Client, user: User, told: Told, deleted: int
) -> None:
    done, failed, *rest = batch_of(user, 2 + deleted)
    assert lifecycle.complete(done.id, 1, data={}, files={})
    assert lifecycle.fail(failed.id, 1, code="x", message="x")
    ProcessingRequest.objects.filter(id=rest[0].id).update(status="pending", lease_expires_at=None)
    for request in rest:
        assert listed(visitor) == []
        request_delete(request=request)
    [found] = listed(visitor)
    assert found["text"] == "Word count: 2 requests have ended: 1 completed, 1 failed."
    assert told == [(user.id, [UUID(found["id"])])]
    notifications_mark_read(user=user)
    request_delete(request=failed)  # whose end was told of
    assert listed(visitor)[0]["read_at"]
    assert Notification.objects.count() == 1


def test_batch_of_which_nothing_is_left_brings_none(user: User) -> None:
    for request in batch_of(user, 2):
        request_delete(request=request)
    assert not Notification.objects.exists()


def test_account_with_an_open_batch_can_be_deleted(user: User) -> None:
    done, _ = batch_of(user, 2)
    assert lifecycle.complete(done.id, 1, data={}, files={})
    preference_set(user=user, mail="failed")
    webhook, _ = webhook_create(owner=user, url="https://example.org/", events=["request.failed"])
    delivery_test(webhook=webhook)
    account_delete(user=user)
    for model in (Notification, NotificationPreference, Webhook, WebhookDelivery):
        assert not model.objects.exists()


def test_batch_whose_last_is_deleted_while_another_ends_brings_one(user: User, told: Told) -> None:
    first, *others = batch_of(user, 3)
    assert lifecycle.complete(first.id, 1, data={}, files={})
    at_once = Barrier(2)

    def finish(request: ProcessingRequest) -> None:
        try:
            with transaction.atomic():
                ProcessingRequest.objects.filter(id=request.id).first()
                at_once.wait(30)
                if request is others[0]:
                    assert lifecycle.complete(request.id, 1, data={}, files={})
                else:
                    request_delete(request=request)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(finish, others))
    assert "2 requests have ended: 2 completed." in Notification.objects.get().text
    assert len(told) == 1


def test_batch_that_was_cancelled_brings_none(user: User) -> None:
    for request in batch_of(user, 2):
        ProcessingRequest.objects.filter(id=request.id).update(cancel_requested=True)
        assert lifecycle.confirm_cancel(request.id, 1)
    assert not Notification.objects.exists()


def test_account_that_is_deactivated_gets_none(user: User) -> None:
    request = make(user)
    User.objects.filter(id=user.id).update(is_active=False)
    end(user)
    assert not Notification.objects.exists()
    assert request.owner_id == user.id


def test_end_that_is_undone_leaves_none(user: User, told: Told) -> None:
    with transaction.atomic():
        end(user)
        assert Notification.objects.exists()
        transaction.set_rollback(True)
    assert not Notification.objects.exists()
    assert told == []


def test_read_ones_are_no_longer_counted(visitor: Client, user: User, told: Told) -> None:
    for number in range(4):
        end(user, name=str(number))
    ids = [each["id"] for each in visitor.get(f"{URL}/").json()["results"]]
    told.clear()
    assert post(visitor, {"ids": ids[:2]}).json() == {"count": 2}
    assert [each["id"] for each in listed(visitor, "?unread=true")] == ids[2:]
    assert [each["id"] for each in listed(visitor, "?unread=false")] == ids[:2]
    assert told == [(user.id, [""])]
    read_at = Notification.objects.get(id=ids[0]).read_at
    assert post(visitor, {"ids": ids[:2]}).json() == {"count": 2}, "once more changes nothing"
    assert Notification.objects.get(id=ids[0]).read_at == read_at
    assert len(told) == 1
    assert post(visitor, {"all": True}).json() == {"count": 0}
    assert [each["id"] for each in listed(visitor)] == ids
    assert all(each["read_at"] for each in listed(visitor))


def test_those_of_a_request_are_read_together(visitor: Client, user: User) -> None:
    seen, other = end(user), end(user)
    assert post(visitor, {"request": str(seen.id)}).json() == {"count": 1}
    [left] = listed(visitor, "?unread=true")
    assert left["request"] == str(other.id)


def test_what_belongs_to_somebody_else_is_left_alone(
    visitor: Client, user: User, other: User
) -> None:
    end(other)
    theirs = Notification.objects.get()
    assert listed(visitor) == []
    assert visitor.get(f"{URL}/unread/").json() == {"count": 0}
    assert post(visitor, {"ids": [str(theirs.id)]}).json() == {"count": 0}
    assert post(visitor, {"request": str(theirs.request_id)}).json() == {"count": 0}
    assert post(visitor, {"all": True}).json() == {"count": 0}
    theirs.refresh_from_db()
    assert theirs.read_at is None
    assert describe_notifications(user.id, [str(theirs.id)]) == [("unread", {"count": 0})]


@pytest.mark.parametrize(
    "wrong",
    [
        {}, {"ids": []}, {"all": False}, {"ids": ["x"]}, {"all": "all"}, {"id": "x"},
        {"ids": ["0b0f4f2e-6f0e-4b5c-9d0f-5f6c0a3d9a51"], "all": True},
        {"request": None}, {"request": "x"},
    ],
)  # fmt: skip
def test_unclear_call_reads_nothing(visitor: Client, user: User, wrong: Any) -> None:
    end(user)
    refused = post(visitor, wrong)
    assert refused.status_code == 400
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert count_unread(user) == 1


def test_event_says_what_the_api_says(visitor: Client, user: User, told: Told) -> None:
    for number in range(3):
        end(user, name=str(number))
    ids = [str(id_) for _, ids in told for id_ in ids]
    *created, unread = describe_notifications(user.id, ids)
    assert unread == ("unread", {"count": 3})
    assert [name for name, _ in created] == ["created"] * 3
    assert [plain(row) for _, row in created] == list(reversed(listed(visitor)))


def test_what_was_read_meanwhile_is_not_announced_again(user: User, told: Told) -> None:
    end(user)
    [(_, ids)] = told
    notifications_mark_read(user=user)
    assert describe_notifications(user.id, [*map(str, ids), ""]) == [("unread", {"count": 0})]


def test_notification_goes_with_its_request(user: User) -> None:
    request_delete(request=end(user))
    assert not Notification.objects.exists()


def test_old_ones_are_removed(user: User, settings: Any) -> None:
    settings.NOTIFICATION_RETENTION_DAYS = 90
    old, new = end(user), end(user)
    for request, days in ((old, 91), (new, 89)):
        created = timezone.now() - timedelta(days=days)
        Notification.objects.filter(request=request).update(created_at=created)
    maintenance_tidy_deliveries()
    assert [row.request_id for row in Notification.objects.all()] == [new.id]


def test_list_costs_no_query_for_each(visitor: Client, user: User) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert listed(visitor)
        return len(captured)

    end(user)
    queries()  # the first call of a session costs more
    few = queries()
    for _ in range(5):
        end(user)
    assert queries() == few


def post(client: Client, data: Any) -> Any:
    return client.post(f"{URL}/read/", data, content_type="application/json")


def listed(client: Client, query: str = "") -> list[dict[str, Any]]:
    results: list[dict[str, Any]] = client.get(f"{URL}/{query}").json()["results"]
    return results


def plain(row: Any) -> Any:
    """Return data of an event as its JSON has it."""
    return json.loads(json.dumps(row, cls=JSONEncoder))
