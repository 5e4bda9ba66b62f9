"""For whom a flag is on: in code, in templates, in the API and in jobs; what a change costs."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, Group
from django.core.cache import caches
from django.db import connection
from django.http import HttpRequest
from django.template import engines
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from waffle import flag_is_active

from backend_django import policies
from backend_django.audit.models import AuditEvent
from backend_django.flags.models import Flag
from backend_django.flags.tests.factories import make_flag
from backend_django.live import publish
from backend_django.users.models import User

Request = Callable[..., HttpRequest]
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_is_remembered() -> None:
    caches["flags"].clear()


@pytest.fixture
def as_() -> Request:
    """Return a request of somebody; None is a visitor."""

    def request(user: User | None, **headers: str) -> HttpRequest:
        made = RequestFactory().get("/", headers=headers)
        made.user = user or AnonymousUser()
        return made

    return request


@pytest.fixture
def lab(user: User, monkeypatch: pytest.MonkeyPatch) -> User:
    """Return an account that the user acts for when a call names it."""
    account = User.objects.create_user("lab@example.org", id=-7, name="River lab")

    class Rule:
        def account(self, _user_id: Any, named: str) -> User | None:
            return account if named == "lab" else None

        def allows(self, *_: Any) -> bool:
            return True

    monkeypatch.setattr(policies, "_delegations", [Rule()])
    return account


def active(client: Client, **headers: str) -> list[str]:
    return client.get("/api/v1/flags/active/", headers=headers).json()["active"]


def test_a_flag_that_nobody_knows_is_off(user: User, as_: Request, client: Client) -> None:
    client.force_login(user)
    assert not flag_is_active(as_(user), "unheard-of")
    assert active(client) == []


def test_settings_say_what_is_on_until_the_admin_does(
    user: User, as_: Request, client: Client, settings: Any
) -> None:
    settings.FLAGS_ON = ["new-map", "old-map"]
    client.force_login(user)
    assert flag_is_active(as_(user), "new-map")
    assert flag_is_active(as_(None), "new-map"), "on for everybody, so for visitors too"
    assert active(client) == ["new-map", "old-map"]
    make_flag("old-map")
    caches["flags"].clear()
    assert not flag_is_active(as_(user), "old-map")
    assert active(client) == ["new-map"]


@pytest.mark.parametrize(
    ("fields", "who"),
    [
        ({"everyone": True}, {"ada", "staff", "root", None}),
        ({"everyone": False, "staff": True, "percent": "99.9"}, set()),
        ({"authenticated": True}, {"ada", "staff", "root"}),
        ({"staff": True}, {"staff", "root"}),
        ({"superusers": True}, {"root"}),
    ],
)
def test_roles(fields: dict[str, Any], who: set[str | None], user: User, as_: Request) -> None:
    make_flag("x", **fields)
    people = {
        "ada": user,
        "staff": User.objects.create_user("staff@example.org", is_staff=True),
        "root": User.objects.create_superuser("root@example.org"),
        None: None,
    }
    on = {name for name, person in people.items() if flag_is_active(as_(person), "x")}
    in_answer = {
        name for name, person in people.items() if person and Flag.active_for(person, person)
    }
    assert on == who
    assert in_answer == who - {None}


def test_people_groups_and_the_account_that_one_acts_for(
    user: User, lab: User, as_: Request, client: Client
) -> None:
    other = User.objects.create_user("grace@example.org")
    testers = Group.objects.create(name="testers")
    other.groups.add(testers)
    make_flag("of-ada").users.add(user)
    make_flag("of-lab").users.add(lab)
    make_flag("of-testers").groups.add(testers)
    client.force_login(user)
    assert active(client) == ["of-ada"]
    assert active(client, **{"X-Act-For": "lab"}) == ["of-ada", "of-lab"]
    client.force_login(other)
    assert active(client) == ["of-testers"]
    assert flag_is_active(as_(other), "of-testers")
    assert not flag_is_active(as_(user), "of-lab")
    assert flag_is_active(as_(user, **{"X-Act-For": "lab"}), "of-lab")
    assert Flag.get("of-lab").is_active_for_user(lab), "a job of the account asks without a call"


def test_an_account_that_one_has_nothing_to_do_with_is_refused(client: Client, user: User) -> None:
    client.force_login(user)
    refused = client.get("/api/v1/flags/active/", headers={"X-Act-For": "nobody"})
    assert (refused.status_code, refused.json()["code"]) == (404, "no_such_account")


def test_a_percentage_is_stable_and_only_grows(user: User, lab: User, as_: Request) -> None:
    flag = Flag(name="x", pk=1, percent=30)
    people = [User(pk=number) for number in range(1, 2001)]
    some = {each.pk for each in people if flag._decide(each, each, False)}
    assert some == {each.pk for each in people if flag._decide(each, each, False)}
    assert 500 < len(some) < 700
    flag.percent = 60
    assert some < {each.pk for each in people if flag._decide(each, each, False)}
    flag.name = "y"
    assert some - {each.pk for each in people if flag._decide(each, each, False)}, "another share"
    # All who act for an account see the same.
    places = {flag._place_of(lab) for _ in range(2)}
    assert places == {flag._place_of(User(pk=lab.pk))}


def test_a_template_asks(user: User, as_: Request) -> None:
    text = '{% load waffle_tags %}{% flag "x" %}new{% else %}old{% endflag %}'
    template = engines["django"].from_string(text)
    assert template.render({}, as_(user)) == "old"
    make_flag("x").users.add(user)
    caches["flags"].clear()
    assert template.render({}, as_(user)) == "new"
    assert template.render({}, as_(None)) == "old"
    assert template.render({}) == "old", "there is no request in a mail"


def test_who_asks_for_no_flag_pays_nothing_and_who_asks_often_pays_once(
    user: User, as_: Request, client: Client
) -> None:
    make_flag("x").users.add(user)
    caches["flags"].clear()
    client.force_login(user)
    for path in ("/api/v1/auth/session/", "/api/v1/requests/list/", "/account"):
        with CaptureQueriesContext(connection) as asked:
            client.get(path)
        assert not [query["sql"] for query in asked if "flags_flag" in query["sql"]]
    with CaptureQueriesContext(connection) as asked:
        assert all(flag_is_active(as_(user), "x") for _ in range(5))
    assert len(asked) == 2, "the flag and its accounts; then from memory"
    with CaptureQueriesContext(connection) as asked:
        client.get("/api/v1/flags/active/")
    assert len([query for query in asked if "flags_flag" in query["sql"]]) == 1


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, settings: Any, user: User) -> list[tuple[Any, str]]:
    """Return what is announced, to whom, while the user and an account have a stream."""
    settings.LIVE_EVENTS = True
    told: list[tuple[Any, str]] = []

    class Redis:
        def pubsub_channels(self, pattern: str) -> list[bytes]:
            assert pattern == publish.bell("*")
            return [publish.bell(each).encode() for each in ("", user.pk)]

    def keep(*, user_ids: Any, topic: str, **_: Any) -> None:
        told.extend((each, topic) for each in user_ids)

    monkeypatch.setattr(publish, "_client", lambda _: Redis())
    monkeypatch.setattr(publish, "publish", keep)
    return told


def test_a_change_in_the_admin_counts_at_once_and_is_told_to_open_pages(
    user: User, as_: Request, told: list[Any], django_capture_on_commit_callbacks: Any
) -> None:
    root = Client()
    root.force_login(User.objects.create_superuser("root@example.org"))
    form = {"name": "x", "note": "", "everyone": "unknown", "percent": "", "users": [user.pk]}
    assert not flag_is_active(as_(user), "x")
    with django_capture_on_commit_callbacks(execute=True):
        made = root.post("/admin/flags/flag/add/", form)
    assert made.status_code == 302, made.content
    assert flag_is_active(as_(user), "x")
    assert set(told) == {(user.pk, publish.RESET)}
    events = AuditEvent.objects.filter(event="flag_changed", email="root@example.org")
    assert {event.target for event in events} == {"x"}

    flag = Flag.objects.get()
    with django_capture_on_commit_callbacks(execute=True):
        root.post(f"/admin/flags/flag/{flag.pk}/change/", form | {"everyone": "false"})
    assert not flag_is_active(as_(user), "x")
    with django_capture_on_commit_callbacks(execute=True):
        root.post(f"/admin/flags/flag/{flag.pk}/delete/", {"post": "yes"})
    assert AuditEvent.objects.filter(event="flag_deleted", target="x").exists()


def test_the_admin_offers_accounts_by_the_names_that_people_know(user: User, lab: User) -> None:
    root = Client()
    root.force_login(User.objects.create_superuser("root@example.org"))
    query = {"app_label": "flags", "model_name": "flag", "field_name": "users", "term": "lab"}
    offered = root.get("/admin/autocomplete/", query).json()["results"]
    assert offered == [{"id": "-7", "text": "River lab"}]
    assert b"Sample" not in root.get("/admin/").content, "of waffle only flags are shown"
