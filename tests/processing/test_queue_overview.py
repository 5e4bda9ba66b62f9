"""The overview of the queues in the admin: what it counts, who sees it, and who may pause."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission
from django.core.cache import caches
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from backend_django.audit.models import AuditEvent
from backend_django.operations import queues
from backend_django.operations.queues import KindInQueue, queues_overview
from backend_django.processing import lifecycle
from backend_django.processing.models import PausedKind, ProcessingRequest
from backend_django.processing.services import kind_pause
from backend_django.users.models import User

URL = "/admin/queues/"
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two workers respond; the test of the page in a browser asks real ones."""
    caches["redis"].delete("queue-workers")
    known = {"w1@a": ["processing"], "w2@b": ["processing", "other"]}
    monkeypatch.setattr(queues, "_ask_workers", lambda: known)


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("root@example.org", "pw"))
    return client


def make(user: User, count: int = 1, **fields: Any) -> list[ProcessingRequest]:
    values = {"kind": "wordcount", "name": "n", "owner": user} | fields
    made = [ProcessingRequest(**values) for _ in range(count)]
    return ProcessingRequest.objects.bulk_create(made)


def kind(name: str) -> KindInQueue:
    [found] = [row for queue in queues_overview() for row in queue.kinds if row.kind == name]
    return found


def test_overview_counts_what_waits_runs_and_failed(user: User) -> None:
    now = timezone.now()
    for request in make(user, 2):
        assert lifecycle.claim(request.id)
    lifecycle.fail(request.id, 1, code="x", message="x")
    make(user, status="failed", finished_at=now - timedelta(hours=25))
    waiting = make(user, 2)
    make(user, run_at=now + timedelta(hours=1))
    # What was scheduled is due since then, not since somebody asked for it.
    late = make(user, kind="report", run_at=now - timedelta(seconds=30))
    long_ago = now - timedelta(hours=9)
    ids = [each.id for each in (*late, waiting[0])]
    ProcessingRequest.objects.filter(id__in=ids).update(created_at=long_ago)
    found = kind("wordcount")
    assert (found.pending, found.later, found.running, found.failed) == (3, 1, 1, 1)
    assert found.due_since == long_ago
    assert found.due_for
    assert found.due_for >= timedelta(hours=9)
    assert kind("report").due_since == now - timedelta(seconds=30)


def test_the_admin_has_the_name_of_the_product(staff: Client) -> None:
    page = staff.get("/admin/").content.decode()
    assert f"| {settings.PROJECT.name}</title>" in page
    assert "Django administration" not in page


def test_every_kind_is_there_and_what_no_release_knows(user: User) -> None:
    assert kind("copy") == KindInQueue("processing", "copy", "Copy")
    assert kind("copy").due_for is None
    make(user, kind="gone", queue="away")
    assert (kind("gone").queue, kind("gone").pending) == ("away", 1)
    assert {queue.name: queue.workers for queue in queues_overview()} == {
        "away": [],
        "processing": ["w1@a", "w2@b"],
        "short": [],
    }


def test_overview_needs_few_statements_for_any_number_of_rows(staff: Client, user: User) -> None:
    staff.get(URL)
    with CaptureQueriesContext(
        connection,
    ) as few:
        staff.get(URL)
    make(user, 50)
    make(user, 50, kind="copy", status="failed", finished_at=timezone.now())
    with CaptureQueriesContext(connection) as many:
        staff.get(URL)
    assert len(many) == len(few)
    about_requests = [q for q in many if "processing_processingrequest" in q["sql"]]
    assert len(about_requests) == 2


def test_numbers_lead_to_the_requests_that_they_count(staff: Client, user: User) -> None:
    make(user, 2, name="that waits")
    make(user, name="of yesterday", status="failed", finished_at=timezone.now())
    make(user, name="of old", status="failed", finished_at=timezone.now() - timedelta(days=3))
    make(user, name="of another kind", kind="copy")
    assert 'href="/admin/queues/"' in staff.get("/admin/").text
    page = staff.get(URL).text
    links = re.findall(r'href="([^"]*kind__exact=wordcount[^"]*)"[^>]*>(\d+)<', page)
    assert [count for _, count in links] == ["2", "0", "1"]
    shown = [staff.get(link.replace("&amp;", "&")).text for link, _ in links]
    assert [("that waits" in page, "of yesterday" in page) for page in shown] == [
        (True, False),
        (False, False),
        (False, True),
    ]
    assert not any("of old" in page or "of another kind" in page for page in shown)


def test_staff_pause_and_resume_and_it_is_recorded(staff: Client) -> None:
    page = staff.post(URL, {"pause": "wordcount"}, follow=True).text
    assert "Kind wordcount paused." in page
    assert 'name="resume" value="wordcount"' in page
    assert PausedKind.objects.get().kind == "wordcount"
    assert (
        "Kind wordcount was paused already."
        in staff.post(URL, {"pause": "wordcount"}, follow=True).text
    )
    page = staff.post(URL, {"resume": "wordcount"}, follow=True).text
    assert "Kind wordcount resumed." in page
    assert not PausedKind.objects.exists()
    assert "There is no kind “none”." in staff.post(URL, {"pause": "none"}, follow=True).text
    recorded = AuditEvent.objects.filter(event__startswith="admin.queues").order_by("id")
    assert list(recorded.values_list("event", "target", "email")) == [
        ("admin.queues_pause", "wordcount", "root@example.org"),
        ("admin.queues_resume", "wordcount", "root@example.org"),
    ]


def test_only_staff_who_may_see_requests_see_it_and_only_who_may_pause_does(
    client: Client, user: User
) -> None:
    client.force_login(user)
    assert client.get(URL).status_code == 302
    user.is_staff = True
    user.save()
    assert client.get(URL).status_code == 403
    assert "/admin/queues/" not in client.get("/admin/").text
    user.user_permissions.add(Permission.objects.get(codename="view_processingrequest"))
    kind_pause(kind="copy")
    page = client.get(URL).text
    assert "Paused" in page
    assert 'name="pause"' not in page
    assert 'name="resume"' not in page
    assert client.post(URL, {"pause": "wordcount"}).status_code == 403
    assert client.post(URL, {"resume": "copy"}).status_code == 403
    assert PausedKind.objects.count() == 1


def test_workers_are_unknown_without_the_broker(
    staff: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    caches["redis"].delete("queue-workers")

    def away(**_: Any) -> None:
        raise ConnectionError

    monkeypatch.setattr(queues.current_app, "connection_for_write", away)
    assert "Workers unknown: the broker does not respond." in staff.get(URL).text
    caches["redis"].delete("queue-workers")
