"""The audit trail: who did what, with which outcome and from where; and never a secret."""

import json
import logging
from datetime import timedelta
from typing import Any

import pytest
from allauth.core.exceptions import ImmediateHttpResponse
from django.contrib.admin import site
from django.core.cache import caches
from django.db import connection
from django.http import HttpResponse
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from backend_django.api.heads import ASKED
from backend_django.audit.models import AuditEvent
from backend_django.audit.services import event_record, events_purge
from backend_django.audit.tasks import maintenance_tidy_audit
from backend_django.users.google import SocialAccountAdapter
from backend_django.users.models import User
from backend_django.utils.logs import JsonFormatter

from .conftest import NEW, PASSWORD, PostOffice, Visitor, link_in, script
from .test_password import parts, set_new

BROWSER: dict[str, Any] = {"REMOTE_ADDR": "203.0.113.7", "HTTP_USER_AGENT": "Firefox " + "x" * 300}


@pytest.fixture(autouse=True)
def _nobody_was_blocked_before(db: None) -> None:
    caches["redis"].clear()


def events(**conditions: Any) -> list[tuple[str, str, str]]:
    rows = AuditEvent.objects.filter(**conditions).order_by("id")
    return list(rows.values_list("event", "outcome", "email"))


def test_a_session_from_end_to_end(post_office: PostOffice) -> None:
    email = "ada@example.org"
    visitor = Visitor(**BROWSER)
    visitor.register(email)
    visitor.sign_in()
    (mail,) = post_office()
    visitor.call("registration/verify-email", key=link_in(mail).removeprefix("/verify-email/"))
    visitor.sign_in("wrong")
    key = visitor.sign_in().json()["key"]
    made = visitor.call("tokens", name="night job").json()
    visitor.delete(f"/api/v1/auth/tokens/{made['id']}/")
    visitor.call("password/change", old_password="no", new_password1=NEW, new_password2=NEW)
    visitor.call("password/change", old_password=PASSWORD, new_password1=NEW, new_password2=NEW)
    visitor.call("logout/others")
    visitor.call("logout")
    visitor.call("password/reset", email=email)
    set_new(visitor, parts(post_office()[0]), PASSWORD)
    visitor.sign_in()
    visitor.call("user/delete", password=PASSWORD)
    assert events() == [
        ("registration", "success", email),
        ("sign_in", "failure", email),
        ("email_confirmed", "success", ""),
        ("sign_in", "failure", email),
        ("token_created", "success", email),
        ("sign_in", "success", email),
        ("token_created", "success", email),
        ("token_revoked", "success", email),
        ("reauthenticate", "failure", email),
        ("password_changed", "success", email),
        ("sessions_ended", "success", email),
        ("sign_out", "success", email),
        ("link_requested", "success", email),
        ("password_changed", "success", ""),
        ("token_created", "success", email),
        ("sign_in", "success", email),
        ("account_deleted", "success", email),
    ]
    rows = list(AuditEvent.objects.values())
    assert {row["ip_address"] for row in rows} == {"203.0.113.7"}
    assert {row["user_agent"] for row in rows} == {BROWSER["HTTP_USER_AGENT"][:200]}
    assert all(row["trace_id"] for row in rows)
    assert {row["actor_id"] for row in rows} == {None}, "the account is gone, its trail is not"
    for secret in (PASSWORD, NEW, key, made["key"], key[:20]):
        assert secret not in str(rows)


def test_who_is_blocked_is_recorded_once_a_minute(ada: User) -> None:
    stranger = Visitor(**BROWSER)
    for _ in range(8):
        stranger.sign_in("guess")
    assert events() == [("sign_in", "failure", ada.email)] * 4 + [("sign_in", "blocked", ada.email)]
    assert AuditEvent.objects.filter(actor=None).count() == 5


def test_a_script_is_known_by_its_token(ada: User) -> None:
    key = Visitor().sign_in().json()["key"]
    script(key).call("tokens", name="another")
    last = AuditEvent.objects.latest("id")
    assert (last.event, last.actor, last.email) == ("token_created", ada, ada.email)


@pytest.fixture
def staff(db: None) -> Visitor:
    visitor = Visitor(**BROWSER)
    visitor.force_login(User.objects.create_superuser("root@example.org", PASSWORD))
    return visitor


def form_of(user: User, **changed: Any) -> dict[str, Any]:
    joined = timezone.localtime(user.date_joined)
    form = {
        "email": user.email, "name": user.name, "is_active": "on",
        "api_tokens-TOTAL_FORMS": "0", "api_tokens-INITIAL_FORMS": "0",
        "date_joined_0": f"{joined:%Y-%m-%d}", "date_joined_1": f"{joined:%H:%M:%S}",
    }  # fmt: skip
    return {name: value for name, value in (form | changed).items() if value is not None}


def test_what_staff_do_in_the_admin(staff: Visitor, ada: User) -> None:
    AuditEvent.objects.all().delete()
    address = f"/admin/users/user/{ada.id}/change/"
    assert staff.post(address, form_of(ada, is_active=None)).status_code == 302
    assert staff.post(address, form_of(ada, email="no address")).status_code == 200
    chosen = {"action": "delete_selected", "_selected_action": [str(ada.id)]}
    assert staff.post("/admin/users/user/", chosen).status_code == 200, "asks once more"
    assert staff.post("/admin/users/user/", chosen | {"post": "yes"}).status_code == 302
    root = "root@example.org"
    assert events() == [
        ("account_deactivated", "success", root),
        ("admin.users_user_change", "success", root),
        ("admin.users_user_changelist", "success", root),
    ]
    deactivated, changed, deleted = AuditEvent.objects.order_by("id")
    assert (deactivated.target, changed.target) == (ada.email, str(ada.id))
    assert "ada@example.org" in changed.detail
    assert "Active" in changed.detail
    assert "delete_selected of 1" in deleted.detail
    assert "ada@example.org" in deleted.detail


def test_what_staff_do_in_a_popup(staff: Visitor, ada: User) -> None:
    """There Django responds 200 to what was done, as to a form with errors."""
    address = f"/admin/users/user/{ada.id}/"
    popup = {"_popup": "1"}
    promoted = form_of(ada, is_superuser="on", is_staff="on") | popup
    assert staff.post(f"{address}change/", promoted).status_code == 200
    event = AuditEvent.objects.get(event="admin.users_user_change")
    assert (event.outcome, event.target) == ("success", str(ada.id))
    assert "Superuser status" in event.detail
    assert staff.post(f"{address}change/", promoted | {"email": "no address"}).status_code == 200
    assert AuditEvent.objects.filter(event="admin.users_user_change").count() == 1
    root = User.objects.get(email="root@example.org")  # Django's own log goes with who is deleted
    staff.post(f"/admin/users/user/{root.id}/delete/", popup | {"post": "yes"})
    assert not User.objects.filter(id=root.id).exists()
    assert ("admin.users_user_delete", "success", root.email) in events()


def test_an_action_of_staff_is_recorded_whatever_it_responds(
    staff: Visitor, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file, for example; and by the name of the one that ran, when a form has two."""
    form: dict[str, Any] = {"_selected_action": [str(ada.id)], "index": "0"}
    staff.post("/admin/users/user/", form | {"action": ["end_sessions", "delete_selected"]})
    assert "end_sessions of 1" in AuditEvent.objects.latest("id").detail

    def export(admin: Any, request: Any, rows: Any) -> HttpResponse:
        return HttpResponse(",".join(rows.values_list("email", flat=True)))

    users = site.get_model_admin(User)
    monkeypatch.setattr(users, "actions", ["end_sessions", export])
    assert staff.post("/admin/users/user/", form | {"action": "export"}).status_code == 200
    assert "export of 1" in AuditEvent.objects.latest("id").detail


def test_staff_who_may_not_are_recorded_too(ada: User) -> None:
    User.objects.update(is_staff=True)
    visitor = Visitor()
    visitor.force_login(ada)
    assert visitor.post(f"/admin/users/user/{ada.id}/change/", form_of(ada)).status_code == 403
    assert events()[-1] == ("admin.users_user_change", "failure", ada.email)


def test_the_trail_is_read_in_the_admin_and_not_edited(staff: Visitor, ada: User) -> None:
    Visitor(**BROWSER).sign_in("guess")
    row = AuditEvent.objects.get(email=ada.email)
    root = "/admin/audit/auditevent/"
    for query in ("", "?q=Ada@example.org", "?q=203.0.113.7", "?outcome__exact=failure&q=sign_in"):
        page = staff.get(root + query)
        assert page.status_code == 200
        assert "203.0.113.7" in page.content.decode()
    assert staff.get(f"{root}{row.id}/change/").status_code == 200
    for address in (f"{root}add/", f"{root}{row.id}/change/", f"{root}{row.id}/delete/"):
        assert staff.post(address, {"event": "x", "post": "yes"}).status_code == 403
    assert AuditEvent.objects.get(id=row.id).event == "sign_in"


def test_the_trail_is_searched_by_indexes(db: None) -> None:
    admin = site.get_model_admin(AuditEvent)
    request = RequestFactory().get("/")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")  # which few rows would have otherwise
        for text in ("ada@example.org", "sign_in"):
            found, _ = admin.get_search_results(request, admin.get_queryset(request), text)
            assert "Seq Scan" not in found.explain()


def test_past_events_are_removed_some_at_a_time(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backend_django.audit.services.PURGE_BATCH", 2)
    AuditEvent.objects.bulk_create(AuditEvent(event=str(n), outcome="success") for n in range(6))
    AuditEvent.objects.exclude(event="5").update(created_at=timezone.now() - timedelta(days=9999))
    with CaptureQueriesContext(connection) as queries:
        assert events_purge() == 5
    assert len([q for q in queries if q["sql"].startswith("DELETE")]) == 3
    assert AuditEvent.objects.get().event == "5"


@pytest.mark.parametrize("form", [{}, {"action": "delete_selected", "_selected_action": "1"}])
def test_nobody_but_staff_has_done_anything_in_the_admin(ada: User, form: dict[str, str]) -> None:
    visitor = Visitor()
    visitor.force_login(ada)
    for _ in range(2):
        assert visitor.post(f"/admin/users/user/{ada.id}/delete/", form).status_code == 302
    assert events()[1:] == [("admin.users_user_delete", "blocked", ada.email)]


def test_question_about_a_large_form_has_done_nothing(staff: Visitor, ada: User) -> None:
    before = AuditEvent.objects.count()
    address = f"/admin/users/user/{ada.id}/change/"
    question: dict[str, Any] = {ASKED: True}
    assert staff.post(address, form_of(ada), **question).status_code == 100
    assert AuditEvent.objects.count() == before


def test_a_failure_to_record_fails_nobody(ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(**_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(AuditEvent.objects, "create", explode)
    assert Visitor().sign_in().status_code == 200


def test_odd_texts_are_recorded(db: None) -> None:
    event_record(event="x", email="a" * 999, target="nul\0", detail="d" * 999)
    row = AuditEvent.objects.get()
    assert (len(row.email), row.target, len(row.detail)) == (254, "nul", 500)


def test_an_event_is_a_line_of_the_log(ada: User, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "backend_django.audit"):
        Visitor(**BROWSER).sign_in("guess")
    (record,) = [r for r in caplog.records if r.name.startswith("backend_django.audit")]
    line = json.loads(JsonFormatter().format(record))
    assert line["audit"] == {
        "event": "sign_in", "outcome": "failure", "email": ada.email, "detail": "wrong password",
        "ip_address": "203.0.113.7", "user_agent": BROWSER["HTTP_USER_AGENT"][:200],
    }  # fmt: skip
    assert "ip_address='203.0.113.7'" in line["message"]


def test_events_go_after_their_retention(db: None, settings: Any) -> None:
    event_record(event="old")
    AuditEvent.objects.update(created_at=timezone.now() - timedelta(days=366))
    event_record(event="new")
    settings.AUDIT_RETENTION_DAYS = 0
    maintenance_tidy_audit()
    assert AuditEvent.objects.count() == 2
    settings.AUDIT_RETENTION_DAYS = 365
    maintenance_tidy_audit()
    assert [row.event for row in AuditEvent.objects.all()] == ["new"]


def test_sign_in_with_google_that_fails_is_recorded(db: None) -> None:
    with pytest.raises(ImmediateHttpResponse):
        SocialAccountAdapter().on_authentication_error(RequestFactory().get("/"), None)
    row = AuditEvent.objects.get()
    assert (row.event, row.outcome, row.detail) == ("sign_in", "failure", "google")
