"""Who knows no more than an email locks its owner out of nothing, and guesses no better for it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from backend_django.users.models import User

from .conftest import NEW, PASSWORD, PostOffice, Visitor, link_in
from .test_password import parts, set_new

pytestmark = pytest.mark.slow


def at(address: str) -> Visitor:
    """A browser at an IP address of its own."""
    return Visitor(REMOTE_ADDR=address)


@pytest.fixture
def many_places(settings: Any) -> Callable[[], None]:
    """Guess from more and more places, until the account refuses those it does not know."""
    settings.ACCOUNT_RATE_LIMITS = settings.ACCOUNT_RATE_LIMITS | {
        "login_failed_anywhere": "12/d/key"
    }

    def guess() -> None:
        for number in range(4):
            visitor = at(f"198.51.100.{number}")
            codes = [visitor.sign_in(f"guess {i}").status_code for i in range(4)]
            assert codes == ([400] * 4 if number < 3 else [429] * 4)

    return guess


def test_guesses_from_one_place_do_not_keep_the_owner_out_at_another(ada: User) -> None:
    stranger, owner = at("198.51.100.1"), at("203.0.113.1")
    assert [stranger.sign_in("guess").status_code for _ in range(6)] == [400] * 4 + [429] * 2
    assert stranger.sign_in().status_code == 429
    assert owner.sign_in().status_code == 200


def test_addresses_of_one_network_are_one_place(ada: User) -> None:
    codes = [at(f"2001:db8::{i:x}").sign_in("guess").status_code for i in range(1, 7)]
    assert codes == [400] * 4 + [429] * 2


def test_addresses_of_ipv4_are_places_of_their_own_however_they_are_written(ada: User) -> None:
    for i in range(6):  # of a socket that takes both kinds, or with a port, as some proxies do
        assert at(f"::ffff:198.51.100.{i}").sign_in("guess").status_code == 400
    ports = [at(f"203.0.113.1:{i}").sign_in("guess").status_code for i in range(6)]
    assert ports == [400] * 4 + [429] * 2


def test_guesses_from_everywhere_are_stopped_and_known_browsers_come_in(
    ada: User, many_places: Callable[[], None]
) -> None:
    known = at("203.0.113.1")
    assert known.sign_in().status_code == 200
    known.call("logout")
    many_places()
    assert at("203.0.113.9").sign_in().status_code == 429, "the right password, by whom?"
    assert known.sign_in().status_code == 200
    known.call("logout")
    codes = [known.sign_in("guess").status_code for _ in range(6)]
    assert codes == [400] * 4 + [429] * 2, "a known browser guesses no more than others"


def test_who_follows_the_link_of_a_reset_comes_in_at_once(
    ada: User, many_places: Callable[[], None], post_office: PostOffice
) -> None:
    many_places()
    owner = at("203.0.113.1")
    assert "Forgot your password" in owner.sign_in().json()["detail"]
    owner.call("password/reset", email=ada.email)
    assert set_new(owner, parts(post_office()[0])).status_code == 200
    assert owner.sign_in(NEW).status_code == 200


def test_guesses_at_many_accounts_are_not_forgiven_with_those_at_ones_own(
    ada: User, post_office: PostOffice
) -> None:
    stranger = at("198.51.100.1")
    guesses = [stranger.sign_in("guess", f"{i}@example.org").status_code for i in range(31)]
    assert guesses == [400] * 30 + [429]
    stranger.call("password/reset", email=ada.email)
    assert set_new(stranger, parts(post_office()[0])).status_code == 200
    assert stranger.sign_in("guess", "another@example.org").status_code == 429


def test_browser_that_knows_another_account_gains_nothing(ada: User) -> None:
    from allauth.account.models import EmailAddress

    eve = User.objects.create_user("eve@example.org", PASSWORD)
    EmailAddress.objects.create(user=eve, email=eve.email, verified=True, primary=True)
    browser = at("198.51.100.1")
    assert browser.sign_in(email=eve.email).status_code == 200
    assert [browser.sign_in("guess").status_code for _ in range(6)][4:] == [429, 429]
    browser.cookies["device"] = browser.cookies["device"].value.replace(":", ":x", 1)
    assert browser.sign_in("guess").status_code == 429, "made up"


def test_mails_that_a_stranger_asks_for_leave_their_reader_a_link_that_works(
    ada: User, post_office: PostOffice
) -> None:
    stranger, owner = at("198.51.100.1"), at("203.0.113.1")
    answers = [stranger.call("password/reset", email=ada.email) for _ in range(8)]
    asked = owner.call("password/reset", email=ada.email)
    assert {a.status_code for a in answers} == {asked.status_code} == {200}
    assert answers[0].json() == asked.json()
    mails = post_office()
    assert len(mails) == 3, "more would be a nuisance"
    assert set_new(owner, parts(mails[0])).status_code == 200, "of any of them"


def test_limits_of_mails_are_shorter_than_what_a_link_lasts(settings: Any) -> None:
    from allauth.core.internal.ratelimit import parse_rates

    (rate,) = parse_rates(settings.ACCOUNT_RATE_LIMITS["link_mail"])
    assert rate.duration <= settings.PASSWORD_RESET_TIMEOUT / 2


@pytest.mark.parametrize(
    ("path", "count", "seconds"), [("registration", 11, 3600), ("password/reset", 21, 60)]
)
def test_who_must_wait_is_told_how_long(
    visitor: Visitor, path: str, count: int, seconds: int
) -> None:
    form = {"password1": NEW, "password2": NEW} if path == "registration" else {}
    for _ in range(count):
        answer = visitor.call(path, email="new@example.org", **form)
    assert answer.status_code == 429
    wait = int(answer["Retry-After"])
    assert seconds - 30 < wait <= seconds
    said = f"{seconds // 60} minutes" if seconds > 120 else f"{wait} seconds"
    assert f"Try again in {said}" in answer.json()["detail"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("link", ["reset", "confirmation"])
def test_of_parallel_uses_of_a_link_one_wins(link: str, post_office: PostOffice) -> None:
    def use(number: int) -> int:
        try:
            if link == "reset":
                code: int = set_new(Visitor(), target, f"{NEW} {number}").status_code
            else:
                code = Visitor().call("registration/verify-email", key=target["key"]).status_code
            return code
        finally:
            connection.close()

    Visitor().register("ada@example.org")
    (mail,) = post_office()
    target = {"key": link_in(mail).removeprefix("/verify-email/")}
    if link == "reset":
        Visitor().call("password/reset", email="ada@example.org")
        (mail,) = post_office()
        target = parts(mail)
    with ThreadPoolExecutor(6) as pool:
        codes = list(pool.map(use, range(6)))
    assert sorted(codes) == [200] + [400] * 5
    if link == "reset":
        works = [Visitor().sign_in(f"{NEW} {i}").status_code == 200 for i in range(4)]
        assert works == [code == 200 for code in codes][:4]
