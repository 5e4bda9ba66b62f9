"""`manage.py requests`: what operators do to the requests of all users."""

import io
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from backend_django.audit.models import AuditEvent
from backend_django.processing import lifecycle, services
from backend_django.processing.models import PausedKind, ProcessingRequest
from backend_django.users.models import User
from tests.api.many import make

pytestmark = pytest.mark.django_db
ADMIN = "/admin/processing/processingrequest/"


@pytest.fixture
def grace(db: None) -> User:
    return User.objects.create_user("grace@example.org", "correct horse battery staple")


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("requests", *arguments, stdout=out, stderr=out)
    return out.getvalue()


def status_of(request: ProcessingRequest) -> str:
    request.refresh_from_db()
    return request.status


def test_retry_all_of_a_kind_that_failed_lately(user: User, grace: User) -> None:
    lately = [make(owner, "failed") for owner in (user, grace)]
    before, other = make(user, "failed"), make(user, "failed", kind="copy")
    two_days = timezone.now() - timedelta(days=2)
    ProcessingRequest.objects.filter(id=before.id).update(finished_at=two_days)
    said = ("retry", "--kind", "wordcount", "--failed-since", "2h")
    dry = run(*said, "--dry-run")
    assert "2 requests would be started again" in dry
    assert all(str(row.id) in dry for row in lately)
    assert {status_of(row) for row in lately} == {"failed"}
    assert not AuditEvent.objects.exists()

    assert run(*said) == "2 requests started again\n"
    assert {status_of(row) for row in lately} == {"pending"}
    assert {status_of(before), status_of(other)} == {"failed"}
    event = AuditEvent.objects.get()
    assert (event.event, event.actor) == ("command.requests_retry", None)
    assert event.target.startswith("--kind wordcount --failed-since 20")
    assert event.detail == "2 started again, 0 refused"
    assert run(*said) == "0 requests started again\n"


def test_cancel_and_delete_those_of_one_user(user: User, grace: User) -> None:
    mine, hers = make(user), make(grace)
    assert run("cancel", "--owner", "Ada@example.org") == "1 requests cancelled\n"
    assert (status_of(mine), status_of(hers)) == ("cancelled", "pending")
    assert run("delete", "--id", str(mine.id)) == "1 requests deleted\n"
    assert list(ProcessingRequest.objects.all()) == [hers]


def test_limit_and_what_remains(user: User) -> None:
    for _ in range(3):
        make(user, "failed")
    assert run("retry", "--status", "failed", "--limit", "2") == (
        "2 requests started again, 1 remain\n"
    )


def test_list_shows_what_would_be_meant(user: User) -> None:
    found = make(user, "failed", name="a", error_code="time_limit", parameters={"level": 3})
    make(user, "failed", name="b")
    shown = run("list", "--error-code", "time_limit", "--parameter", "level:3")
    assert shown.split()[:4] == [str(found.id), "failed", "wordcount", "ada@example.org"]
    assert len(shown.splitlines()) == 1
    assert "more than these 1" in run("list", "--limit", "1")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["delete"], "needs at least one condition"),
        (["cancel", "--dry-run"], "needs at least one condition"),
        (["retry", "--kind", "nothing"], "--kind: There is no such kind. Use one of"),
        (["retry", "--status", "done"], "--status: There is no status “done”"),
        (["retry", "--parameter", "level"], "--parameter: Must be name:value"),
        (["retry", "--failed-since", "yesterday"], "“yesterday” is no time: write 2h, 3d"),
        (["retry", "--failed-since", "2026-13-01"], "is no time"),
        (["retry", "--id", "x"], "invalid UUID"),
        (["purge"], "invalid choice"),
    ],
)
def test_bad_option_is_refused_with_what_to_do(user: User, arguments: list[str], said: str) -> None:
    request = make(user, "failed")
    with pytest.raises(CommandError) as refused:
        run(*arguments)
    assert said in str(refused.value)
    assert status_of(request) == "failed"


# The same in the admin


@pytest.fixture
def staff() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root@example.org", "pw"))
    AuditEvent.objects.all().delete()
    return client


def act(client: Client, action: str, *rows: ProcessingRequest, **more: str) -> Any:
    chosen = {"action": action, "_selected_action": [str(row.id) for row in rows]}
    return client.post(ADMIN, chosen | more, follow=True)


def test_admin_deletes_after_asking(staff: Client, user: User) -> None:
    rows = [make(user, status) for status in ("pending", "failed", "completed")]
    asked = act(staff, "delete_selected", *rows[:2])
    assert b"Are you sure" in asked.content
    assert ProcessingRequest.objects.count() == 3
    done = act(staff, "delete_selected", *rows[:2], post="yes")
    assert b"2 requests deleted." in done.content
    assert list(ProcessingRequest.objects.all()) == rows[2:]
    event = AuditEvent.objects.get()
    assert event.email == "root@example.org"
    assert "delete_selected of 2" in event.detail
    assert str(rows[0].id) in event.detail


def test_admin_says_what_was_refused(staff: Client, user: User) -> None:
    rows = [make(user, status) for status in ("failed", "completed", "pending")]
    page = act(staff, "retry", *rows).content.decode()
    assert "1 requests started again. 1 were already." in page
    assert (
        f"1 refused: Only a request that failed or was cancelled can be retried. ({rows[1].id})"
        in page
    )


def test_action_on_all_pages_is_recorded_as_such(staff: Client, user: User) -> None:
    rows = [make(user, "failed") for _ in range(3)]
    chosen = {"action": "cancel", "_selected_action": [str(rows[0].id)], "select_across": "1"}
    staff.post(f"{ADMIN}?status__exact=failed", chosen)
    assert f"cancel of all at {ADMIN}?status__exact=failed" in AuditEvent.objects.get().detail


def test_admin_downloads_results_of_others(staff: Client, user: User) -> None:
    request = make(user, "completed")
    nothing = act(staff, "download", make(user))
    assert b"1 refused: There is no result yet." in nothing.content
    AuditEvent.objects.all().delete()
    chosen = {"action": "download", "_selected_action": [str(request.id)]}
    answer = staff.post(ADMIN, chosen)
    assert answer.status_code == 302
    assert staff.get(answer["Location"])["Content-Type"] == "application/zip"
    event = AuditEvent.objects.get()
    assert (event.email, event.detail) == ("root@example.org", f"download of 1: {request.id}")


def test_staff_without_the_right_have_no_actions(user: User, grace: User) -> None:
    from django.contrib.auth.models import Permission

    User.objects.filter(id=grace.id).update(is_staff=True)
    grace.user_permissions.add(Permission.objects.get(codename="view_processingrequest"))
    client, row = Client(), make(user)
    client.force_login(grace)
    for action in ("cancel", "retry", "download", "delete_selected"):
        act(client, action, row, post="yes")
    assert status_of(row) == "pending"


@pytest.mark.django_db(transaction=True)  # a worker is woken once it is committed
def test_pause_and_resume_a_kind(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    rung: list[str] = []
    monkeypatch.setattr(services, "ring_for_all", lambda: rung.append("all"))
    make(user, "pending", kind="copy")
    assert "copy paused, 1 requests wait" in run("pause", "--kind", "copy")
    assert "copy was paused already" in run("pause", "--kind", "copy")
    assert lifecycle.claim() is None
    assert not rung
    assert "copy resumed, 1 requests wait" in run("resume", "--kind", "copy")
    assert rung == ["all"]
    assert lifecycle.claim()
    assert "copy was not paused" in run("resume", "--kind", "copy")
    events = AuditEvent.objects.order_by("id").values_list("event", "target")
    assert list(events) == [
        ("command.requests_pause", "--kind copy"),
        ("command.requests_resume", "--kind copy"),
    ]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["pause"], "Say which kind"),
        (["pause", "--kind", "copy", "--status", "failed"], "and nothing else"),
        (["pause", "--kind", "cpoy"], "there is no “cpoy”. Use one of copy"),
    ],
)
def test_pause_needs_a_kind(arguments: list[str], sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence):
        run(*arguments)


@pytest.mark.django_db(transaction=True)
def test_kinds_that_are_resumed_together_in_the_admin_wake_workers(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    rung: list[str] = []
    monkeypatch.setattr(services, "ring_for_all", lambda: rung.append("all"))
    for kind in ("copy", "merge"):
        assert (
            admin_client.post("/admin/processing/pausedkind/add/", {"kind": kind}).status_code
            == 302
        )
    form = {"action": "delete_selected", "_selected_action": ["copy", "merge"], "post": "yes"}
    assert admin_client.post("/admin/processing/pausedkind/", form).status_code == 302
    assert not PausedKind.objects.exists()
    assert rung == ["all"]
