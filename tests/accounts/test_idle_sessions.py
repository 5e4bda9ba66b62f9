"""A session ends when it was not used for a while, and at last in any case."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from backend_django.users.credentials import credential_of, credentials_ended
from backend_django.users.models import User

from .conftest import NEW, PASSWORD, Visitor

IDLE, LONGEST = timedelta(days=3), timedelta(days=14)


@pytest.fixture
def browser(visitor: Visitor, ada: User) -> Visitor:
    assert visitor.sign_in(token=False).status_code == 204
    return visitor


def row(browser: Visitor) -> Session:
    return Session.objects.get(session_key=browser.cookies["sessionid"].value)


def ends_in(browser: Visitor) -> timedelta:
    return row(browser).expire_date - timezone.now()


def about(one: timedelta, other: timedelta) -> bool:
    return abs(one - other) < timedelta(minutes=5)


def forget_that_it_was_noted(browser: Visitor) -> None:
    """What another web process knows, and this one in a minute."""
    browser.handler.load_middleware()


def age(browser: Visitor, by: timedelta) -> None:
    """Let time pass without a use."""
    session = row(browser)
    store = browser.session
    if "_session_expiry" in store:
        end = datetime.fromisoformat(store["_session_expiry"]) - by
        store["_session_expiry"] = end.isoformat()
        store.save()
    Session.objects.filter(pk=session.pk).update(expire_date=session.expire_date - by)
    forget_that_it_was_noted(browser)


def test_it_ends_when_it_was_not_used(browser: Visitor) -> None:
    assert about(ends_in(browser), IDLE)
    age(browser, IDLE + timedelta(minutes=1))
    assert not browser.is_signed_in


def test_use_keeps_it_and_costs_no_write_for_each_request(browser: Visitor) -> None:
    age(browser, timedelta(days=2))
    assert about(ends_in(browser), timedelta(days=1))
    assert browser.look("user").status_code == 200
    assert about(ends_in(browser), IDLE)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert browser.look("user").status_code == 200
    assert [q["sql"] for q in queries if q["sql"].startswith(("UPDATE", "INSERT"))] == []


def test_it_ends_at_last_however_much_it_was_used(browser: Visitor, settings: Any) -> None:
    for _ in range(6):
        age(browser, timedelta(days=2))
        assert browser.look("user").status_code == 200
    assert about(ends_in(browser), timedelta(days=2))
    age(browser, timedelta(days=2, minutes=1))
    assert not browser.is_signed_in


def test_writing_into_it_makes_it_last_no_longer(browser: Visitor) -> None:
    age(browser, timedelta(days=12))
    Session.objects.update(expire_date=timezone.now() + timedelta(days=1))
    passwords = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}
    assert browser.call("password/change", **passwords).status_code == 200  # has a new session id
    assert about(ends_in(browser), timedelta(days=2))


def test_the_cookie_lasts_as_long_as_the_session_may(browser: Visitor) -> None:
    assert about(timedelta(seconds=browser.cookies["sessionid"]["max-age"]), LONGEST)


def test_an_idle_session_ends_its_streams(browser: Visitor, ada: User, rf: RequestFactory) -> None:
    request = rf.get("/")
    request.session = browser.session
    credential = credential_of(user=ada, token=None, request=request)
    assert credentials_ended([credential]) == set()
    age(browser, IDLE + timedelta(minutes=1))
    assert credentials_ended([credential]) == {credential}


def test_without_the_limit_it_lasts_as_long_as_any(
    visitor: Visitor, ada: User, settings: Any
) -> None:
    settings.SESSION_IDLE_SECONDS = 0
    assert visitor.sign_in(token=False).status_code == 204
    assert about(ends_in(visitor), LONGEST)


def test_a_session_of_an_earlier_release_ends_when_it_was_to_end(browser: Visitor) -> None:
    store = browser.session
    del store["_session_expiry"]
    store.save()
    Session.objects.update(expire_date=timezone.now() + timedelta(days=10))
    forget_that_it_was_noted(browser)
    assert browser.look("user").status_code == 200
    assert about(ends_in(browser), timedelta(days=10))
