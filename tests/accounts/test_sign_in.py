"""Signing in and out, as the page and as a script does it."""

import base64
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from backend_django.users.models import User

from .conftest import PASSWORD, Visitor, script

pytestmark = pytest.mark.slow

LOGIN = "/api/v1/auth/login/"


def sign_in(client: Client, email: str = "ada@example.org", password: str = PASSWORD) -> Any:
    return client.post(LOGIN, {"email": email, "password": password}, "application/json")


@pytest.mark.parametrize("slash", ["", "/"])
def test_login_gives_a_token_and_an_http_only_session(
    client: Client, ada: User, slash: str
) -> None:
    answer = client.post(
        LOGIN.rstrip("/") + slash, {"email": ada.email, "password": PASSWORD}, "application/json"
    )
    assert answer.status_code == 200
    assert list(answer.json()) == ["key"]
    cookie = answer.cookies["sessionid"]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")
    assert client.get("/api/v1/auth/user/").json() == {
        "id": ada.id,
        "email": "ada@example.org",
        "name": "",
        "language": "",
        "is_staff": False,
        "has_password": True,
    }
    assert script(answer.json()["key"]).get("/api/v1/auth/user").status_code == 200


def test_page_signs_in_without_making_a_token(visitor: Visitor, ada: User) -> None:
    answer = visitor.sign_in(token=False)
    assert (answer.status_code, answer.content) == (204, b"")
    assert visitor.is_signed_in
    assert not ada.api_tokens.exists()


def test_address_is_known_in_any_case(client: Client, ada: User) -> None:
    assert sign_in(client, "Ada@Example.ORG").status_code == 200


def test_there_is_no_other_door(client: Client, ada: User) -> None:
    """None that what is checked at sign-in would not be checked at."""
    User.objects.update(is_staff=True, is_superuser=True)
    asked = client.get("/admin/login/?next=/admin/")
    assert (asked.status_code, asked["Location"]) == (302, "/login?next=%2Fadmin%2F")
    form = {"username": ada.email, "login": ada.email, "email": ada.email, "password": PASSWORD}
    for address in ("/admin/", "/admin/login/", "/accounts/login/", "/accounts/reauthenticate/"):
        client.post(address, form | {"next": "/admin/"})
        assert client.get("/admin/").status_code == 302, address
    pair = base64.b64encode(f"{ada.email}:{PASSWORD}".encode()).decode()
    basic = Client(headers={"authorization": f"Basic {pair}"})
    assert basic.get("/api/v1/auth/user/").status_code == 401
    assert basic.get("/admin/").status_code == 302


@pytest.mark.parametrize("email", ["ada@example.org", "nobody@example.org"])
def test_wrong_password_and_unknown_address_look_the_same(
    client: Client, ada: User, email: str
) -> None:
    answer = sign_in(client, email, "wrong")
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["detail"] == "The email address or the password is wrong."
    assert "sessionid" not in answer.cookies


def test_guessing_is_stopped_even_with_the_right_password(client: Client, ada: User) -> None:
    codes = [sign_in(client, password=f"guess {i}").status_code for i in range(6)]
    assert codes == [400, 400, 400, 400, 429, 429]
    answer = sign_in(client)
    assert (answer.status_code, answer.json()["code"]) == (429, "throttled")
    wait = int(answer["Retry-After"])
    assert 290 < wait <= 300
    assert "in 5 minutes" in answer.json()["detail"]


@pytest.mark.parametrize(
    "headers",
    [
        lambda i: {"x-forwarded-for": f"198.51.100.{i}"},
        lambda i: {"x-forwarded-for": f"198.51.100.{i}, 203.0.113.{i}"},
        lambda i: {"x-real-ip": f"198.51.100.{i}"},
        lambda i: {"forwarded": f"for=198.51.100.{i}"},
        lambda i: {"host": f"testserver:{8000 + i}"},
    ],
)
def test_guesser_is_stopped_whatever_he_says_of_himself(
    client: Client, ada: User, headers: Callable[[int], dict[str, str]]
) -> None:
    codes = [
        client.post(
            LOGIN, {"email": ada.email, "password": "guess"}, "application/json", headers=headers(i)
        ).status_code
        for i in range(6)
    ]
    assert codes[4:] == [429, 429]


def test_guesser_is_stopped_across_accounts_by_the_address_a_proxy_of_ours_saw(
    client: Client, db: None, settings: Any
) -> None:
    settings.TRUSTED_PROXY_COUNT = 1

    def guess(i: int, seen: str) -> int:
        headers = {"x-forwarded-for": f"192.0.2.{i}, {seen}"}  # the first is what the client said
        form = {"email": f"person{i}@example.org", "password": "guess"}
        return client.post(LOGIN, form, "application/json", headers=headers).status_code

    codes = [guess(i, "203.0.113.5") for i in range(32)]
    assert (codes[29], codes[30]) == (400, 429)
    assert guess(33, "203.0.113.6") == 400, "somebody else's address is not kept out"
    direct = {"email": "other@example.org", "password": "guess"}
    answer = client.post(LOGIN, direct, "application/json")
    assert answer.status_code == 400, "and nobody who came past the proxy gets an error"


def test_form_of_another_site_cannot_sign_in(client: Client, ada: User) -> None:
    answer = client.post(LOGIN, {"email": ada.email, "password": PASSWORD})
    assert answer.status_code == 415


def test_browser_sign_out_leaves_the_token_of_scripts_alone(client: Client, ada: User) -> None:
    key = sign_in(client).json()["key"]
    assert client.post("/api/v1/auth/logout/").status_code == 200
    assert client.get("/api/v1/auth/session/").json()["user"] is None
    assert script(key).look("user").status_code == 200
    assert script(key).call("logout").status_code == 200
    assert script(key).look("user").status_code == 401


def test_other_sessions_end_at_once_and_tokens_stay(
    signed_in: Visitor, another: Visitor, ada: User
) -> None:
    key = another.sign_in().json()["key"]
    assert signed_in.call("logout/others").status_code == 200
    assert (signed_in.is_signed_in, another.is_signed_in) == (True, False)
    assert script(key).call("logout/others").status_code == 200
    assert not signed_in.is_signed_in, "a script has no session that could stay"
    assert script(key).look("user").status_code == 200
    assert another.sign_in().status_code == 200
    assert another.is_signed_in


def test_session_tells_who_is_signed_in_and_sets_the_csrf_cookie(client: Client, ada: User) -> None:
    answer = client.get("/api/v1/auth/session/")
    assert answer.json() == {
        "user": None,
        "links": [],
        "registration_open": True,
        "google_url": None,
    }
    assert not answer.cookies["csrftoken"]["httponly"]
    sign_in(client)
    assert client.get("/api/v1/auth/session/").json()["user"]["email"] == ada.email


def test_session_needs_the_csrf_token_to_change_anything(ada: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    assert sign_in(browser).status_code == 200
    change = {"name": "Ada"}
    url = "/api/v1/auth/user/"
    assert browser.patch(url, change, "application/json").status_code == 403
    token = browser.get("/api/v1/auth/session/").cookies["csrftoken"].value
    answer = browser.patch(url, change, "application/json", headers={"x-csrftoken": token})
    assert answer.json()["name"] == "Ada"


def test_email_cannot_be_changed_behind_verification(client: Client, ada: User) -> None:
    sign_in(client)
    client.patch("/api/v1/auth/user/", {"email": "eve@example.org"}, "application/json")
    assert User.objects.get().email == "ada@example.org"


def test_anonymous_is_told_to_sign_in(client: Client, db: None) -> None:
    answer = client.get("/api/v1/auth/user/")
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Token")
