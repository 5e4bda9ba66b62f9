"""Where somebody is signed in: listed with device and last use, and ended one by one."""

from datetime import timedelta

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from backend_django.audit.models import AuditEvent
from backend_django.users import sessions
from backend_django.users.models import User
from backend_django.users.tasks import maintenance_tidy_accounts

from .conftest import Visitor, script

pytestmark = pytest.mark.slow

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
    "Gecko) Version/18.5 Mobile/15E148 Safari/604.1"
)


@pytest.fixture
def laptop(ada: User) -> Visitor:
    visitor = Visitor(HTTP_USER_AGENT=FIREFOX, REMOTE_ADDR="203.0.113.7")
    assert visitor.sign_in(token=False).status_code == 204
    return visitor


@pytest.fixture
def phone(ada: User) -> Visitor:
    visitor = Visitor(HTTP_USER_AGENT=SAFARI, REMOTE_ADDR="2001:db8::7")
    assert visitor.sign_in(token=False).status_code == 204
    return visitor


def listed(visitor: Visitor) -> list[dict]:
    answer = visitor.look("sessions")
    assert answer.status_code == 200
    return answer.json()


def test_each_is_listed_with_device_and_last_use(laptop: Visitor, phone: Visitor) -> None:
    rows = listed(laptop)
    assert [(row["device"], row["ip_address"], row["is_current"]) for row in rows] == [
        ("Safari on iPhone", "2001:db8::7", False),
        ("Firefox on Windows", "203.0.113.7", True),
    ]
    key = laptop.cookies["sessionid"].value
    assert key not in str(rows)


def test_one_is_ended_and_the_others_stay(laptop: Visitor, phone: Visitor) -> None:
    other = next(row for row in listed(laptop) if not row["is_current"])
    assert laptop.delete(f"/api/v1/auth/sessions/{other['id']}/").status_code == 204
    assert (laptop.is_signed_in, phone.is_signed_in) == (True, False)
    assert [row["is_current"] for row in listed(laptop)] == [True]
    assert laptop.delete(f"/api/v1/auth/sessions/{other['id']}/").status_code == 404
    event = AuditEvent.objects.get(event="session_ended")
    assert (event.target, event.email) == ("Safari on iPhone", "ada@example.org")
    own = listed(laptop)[0]["id"]
    assert laptop.delete(f"/api/v1/auth/sessions/{own}/").status_code == 204
    assert not laptop.is_signed_in


def test_those_that_ended_otherwise_are_not_listed(laptop: Visitor, phone: Visitor) -> None:
    assert phone.call("logout").status_code == 200
    assert len(listed(laptop)) == 1
    Visitor().sign_in()
    assert laptop.call("logout/others").status_code == 200
    assert [row["is_current"] for row in listed(laptop)] == [True]


def test_a_script_sees_them_by_its_token(laptop: Visitor, ada: User) -> None:
    key = laptop.call("tokens", name="x").json()["key"]
    (row,) = listed(script(key))
    assert (row["device"], row["is_current"]) == ("Firefox on Windows", False)


def test_sign_ins_of_scripts_do_not_pile_up(
    laptop: Visitor, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "MAX_SESSIONS", 3)
    for _ in range(5):
        Visitor().sign_in()
    assert UserSession.objects.count() == Session.objects.count() == 3


def test_use_is_noted_once_a_minute(
    laptop: Visitor, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    UserSession.objects.update(last_seen_at=timezone.now() - timedelta(days=1))
    fresh = Visitor(HTTP_USER_AGENT=SAFARI)
    fresh.cookies = laptop.cookies
    fresh.look("user")  # a test's client has middlewares, and so a memory, of its own
    seen = UserSession.objects.get()
    assert timezone.now() - seen.last_seen_at < timedelta(minutes=1)
    assert "iPhone" in seen.user_agent
    UserSession.objects.update(last_seen_at=timezone.now() - timedelta(days=1))
    fresh.look("user")
    assert timezone.now() - UserSession.objects.get().last_seen_at > timedelta(hours=1)


def test_rows_of_sessions_that_are_over_are_removed(laptop: Visitor) -> None:
    Session.objects.all().delete()
    maintenance_tidy_accounts()
    assert not UserSession.objects.exists()


def test_administrator_signs_somebody_out_everywhere(laptop: Visitor, ada: User) -> None:
    root = Visitor()
    root.force_login(User.objects.create_superuser("root@example.org", "pw"))
    form = {"action": "end_sessions", "_selected_action": [str(ada.id)]}
    assert root.post("/admin/users/user/", form).status_code == 302
    assert not laptop.is_signed_in


def test_administrator_finds_sessions_by_email(laptop: Visitor, ada: User) -> None:
    root = Visitor()
    root.force_login(User.objects.create_superuser("root@example.org", "pw"))
    sessions_of = "/admin/usersessions/usersession/?q="
    assert "203.0.113.7" in root.get(f"{sessions_of}{ada.email}").content.decode()
    assert "203.0.113.7" not in root.get(f"{sessions_of}nobody").content.decode()


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (FIREFOX, "Firefox on Windows"),
        (SAFARI, "Safari on iPhone"),
        ("python-httpx/0.28.1", "python-httpx"),
        ("curl/8.5.0", "curl"),
        ("", "Unknown"),
        ("\u00e9\u00e9", "\u00e9\u00e9"),
    ],
)
def test_devices_have_a_name(user_agent: str, name: str) -> None:
    assert sessions.device(user_agent) == name
