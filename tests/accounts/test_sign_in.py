"""Signing in and out, as the page and as a script does it."""

import pytest
from allauth.account.models import EmailAddress
from django.core.cache import cache
from django.test import Client
from rest_framework.authtoken.models import Token

from backend_django.users.models import User

PASSWORD = "correct horse battery staple"
LOGIN = "/api/v1/auth/login/"


@pytest.fixture(autouse=True)
def _no_failures_counted() -> None:
    cache.clear()


@pytest.fixture
def ada(user: User) -> User:
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user


def sign_in(client: Client, email: str = "ada@example.org", password: str = PASSWORD):
    return client.post(LOGIN, {"email": email, "password": password}, "application/json")


@pytest.mark.parametrize("slash", ["", "/"])
def test_login_gives_a_token_and_an_http_only_session(
    client: Client, ada: User, slash: str
) -> None:
    answer = client.post(
        LOGIN.rstrip("/") + slash, {"email": ada.email, "password": PASSWORD}, "application/json"
    )
    assert answer.status_code == 200
    assert answer.json() == {"key": Token.objects.get(user=ada).key}
    cookie = answer.cookies["sessionid"]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")
    assert client.get("/api/v1/auth/user/").json() == {
        "id": ada.id,
        "email": "ada@example.org",
        "name": "",
        "is_staff": False,
    }
    script = Client(headers={"authorization": f"Token {answer.json()['key']}"})
    assert script.get("/api/v1/auth/user").status_code == 200


def test_address_is_known_in_any_case(client: Client, ada: User) -> None:
    assert sign_in(client, "Ada@Example.ORG").status_code == 200


@pytest.mark.parametrize("email", ["ada@example.org", "nobody@example.org"])
def test_wrong_password_and_unknown_address_look_the_same(
    client: Client, ada: User, email: str
) -> None:
    answer = sign_in(client, email, "wrong")
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["detail"] == "Unable to log in with provided credentials."
    assert "sessionid" not in answer.cookies


def test_guessing_is_stopped_even_with_the_right_password(client: Client, ada: User) -> None:
    codes = [sign_in(client, password=f"guess {i}").status_code for i in range(6)]
    assert codes == [400, 400, 400, 400, 400, 429]
    answer = sign_in(client)
    assert (answer.status_code, answer.json()["code"]) == (429, "throttled")


def test_form_of_another_site_cannot_sign_in(client: Client, ada: User) -> None:
    answer = client.post(LOGIN, {"email": ada.email, "password": PASSWORD})
    assert answer.status_code == 415


def test_browser_sign_out_leaves_the_token_of_scripts_alone(client: Client, ada: User) -> None:
    key = sign_in(client).json()["key"]
    assert client.post("/api/v1/auth/logout/").status_code == 200
    assert client.get("/api/v1/auth/session/").json() == {"user": None}
    script = Client(headers={"authorization": f"Token {key}"})
    assert script.get("/api/v1/auth/user/").status_code == 200
    assert script.post("/api/v1/auth/logout/").status_code == 200
    assert script.get("/api/v1/auth/user/").status_code == 401


def test_session_tells_who_is_signed_in_and_sets_the_csrf_cookie(client: Client, ada: User) -> None:
    answer = client.get("/api/v1/auth/session/")
    assert answer.json() == {"user": None}
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


def test_registration_makes_an_account_without_a_user_name(
    client: Client, db: None, mailoutbox: list
) -> None:
    form = {"email": "New@Example.org", "password1": PASSWORD, "password2": PASSWORD}
    answer = client.post("/api/v1/auth/registration", form, "application/json")
    assert answer.status_code == 201
    assert User.objects.get().email == "new@example.org"
    assert "/verify-email/" in mailoutbox[0].body
    refused = sign_in(client, "new@example.org")
    assert (refused.status_code, refused.json()["detail"]) == (400, "E-mail is not verified.")


def test_weak_password_is_refused_at_its_field(client: Client, db: None) -> None:
    form = {"email": "new@example.org", "password1": "password", "password2": "password"}
    answer = client.post("/api/v1/auth/registration/", form, "application/json")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "password1"
    assert not User.objects.exists()
