"""Everybody needs a second step, where the setting says so: without it an account opens nothing."""

from typing import Any

import pytest
from django.test import Client

from backend_django.two_step.services import mfa_is_on
from backend_django.users.models import User
from backend_django.users.services import token_create
from tests.accounts.conftest import PASSWORD, Visitor, script
from tests.security.test_token_scope import api_routes

from .test_staff import set_up

EMAIL = "ada@example.org"


@pytest.fixture(autouse=True)
def required(settings: Any) -> None:
    settings.TWO_STEP_FOR_EVERYONE = True


@pytest.fixture
def ada(db: None) -> Visitor:
    visitor = Visitor()
    visitor.force_login(User.objects.create_user(EMAIL, PASSWORD))
    return visitor


def refusals(caller: Client) -> list[tuple[str, int, str]]:
    """Call every route that is not about the account itself."""
    routes = [route for route in api_routes() if not route[0].startswith(("/auth/", "/version"))]
    answers = [(template, caller.get(path)) for template, path in routes]
    return [(template, answer.status_code, answer.json()["code"]) for template, answer in answers]


@pytest.mark.slow
def test_without_one_an_account_opens_no_route_and_with_one_all(ada: Visitor) -> None:
    token = script(token_create(user=User.objects.get(email=EMAIL), name="x")[1])
    for caller in (ada, token):
        seen = refusals(caller)
        assert [row for row in seen if row[1:] != (403, "second_step_required")] == []
        assert len(seen) > 40
        assert caller.post("/api/v1/requests/cancel/", {}).json()["code"] == "second_step_required"
    set_up(ada)
    for caller in (ada, token):
        assert caller.get("/api/v1/requests/list/").status_code == 200


def test_strangers_are_answered_as_ever(db: None) -> None:
    assert Client().get("/api/v1/requests/list/").status_code == 401
    assert Client().get("/api/v1/version-info/").status_code == 200
    assert Client(headers={"Authorization": "Token x"}).get("/api/v1/usage/").status_code == 401


def test_its_own_account_stays_open(ada: Visitor) -> None:
    for path in ("auth/session/", "auth/user/", "auth/mfa/", "auth/tokens/", "version-info/"):
        assert ada.get(f"/api/v1/{path}").status_code == 200, path
    assert not mfa_is_on(User.objects.get(email=EMAIL))


@pytest.mark.parametrize("value", ["Token\t{}", "token  {}", " Token {} "])
def test_a_token_is_known_however_its_header_is_written(ada: Visitor, value: str) -> None:
    key = token_create(user=User.objects.get(email=EMAIL), name="x")[1]
    answer = Client(headers={"Authorization": value.format(key)}).get("/api/v1/usage/")
    assert (answer.status_code, answer.json()["code"]) == (403, "second_step_required")
