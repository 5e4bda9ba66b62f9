"""Tokens of scripts: several, named, seen once, revoked one by one."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone

from backend_django.audit.models import AuditEvent
from backend_django.users.credentials import credential_of, credentials_ended
from backend_django.users.models import ApiToken, User
from backend_django.users.services import token_create

from .conftest import PASSWORD, Visitor, script

pytestmark = pytest.mark.slow


def test_token_is_shown_once_and_stored_as_a_hash(signed_in: Visitor, ada: User) -> None:
    made = signed_in.call("tokens", name="night job")
    assert made.status_code == 201
    key = made.json()["key"]
    rows = list(ApiToken.objects.values_list())
    assert key not in str(rows)
    listed = signed_in.look("tokens").json()["results"]
    assert [token["name"] for token in listed] == ["night job", "Sign-in"]
    assert "key" not in listed[0]
    assert listed[0]["last_used_at"] is None
    assert script(key).look("user").json()["email"] == ada.email
    assert signed_in.look("tokens").json()["results"][0]["last_used_at"] is not None


def test_list_has_pages(signed_in: Visitor) -> None:
    for name in "ab":
        signed_in.call("tokens", name=name)
    page = signed_in.get("/api/v1/auth/tokens/?page_size=1&page=2").json()
    assert [token["name"] for token in page["results"]] == ["a"]
    assert (page["count"], page["pages"]) == (3, 3), "with the one of the sign-in"


@pytest.mark.parametrize("slash", ["", "/"])
def test_revoked_token_is_dead_and_the_others_live(signed_in: Visitor, slash: str) -> None:
    one, two = (signed_in.call("tokens", name=name).json() for name in "ab")
    answer = signed_in.delete(f"/api/v1/auth/tokens/{one['id']}{slash}")
    assert answer.status_code == 204
    assert script(one["key"]).look("user").status_code == 401
    assert script(two["key"]).look("user").status_code == 200


def test_tokens_of_others_do_not_exist(signed_in: Visitor, db: None) -> None:
    eve = User.objects.create_user("eve@example.org", "x")
    theirs = ApiToken.objects.create(user=eve, name="hers", digest="d", hint="h")
    assert signed_in.delete(f"/api/v1/auth/tokens/{theirs.id}/").status_code == 404
    assert ApiToken.objects.filter(id=theirs.id).exists()
    assert "hers" not in str(signed_in.look("tokens").json())


def test_sign_ins_of_scripts_do_not_pile_up(ada: User, db: None) -> None:
    first = Visitor().sign_in().json()["key"]
    used = script(first)
    for _ in range(12):
        assert used.look("user").status_code == 200
        ApiToken.objects.update(last_used_at=None)
        assert used.look("user").status_code == 200, "the one in use outlives those that are not"
        Visitor().sign_in()
    assert ada.api_tokens.count() == 10


def test_too_many_tokens_are_refused_with_what_to_do(signed_in: Visitor, ada: User) -> None:
    ApiToken.objects.bulk_create(
        ApiToken(user=ada, name="x", digest=f"{i}", hint="h") for i in range(50)
    )
    answer = signed_in.call("tokens", name="one more")
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert "Revoke" in answer.json()["detail"]


@pytest.mark.parametrize("header", ["Token", "Token x y", "Token \u00e9", "Token nope", "Bearer x"])
def test_made_up_tokens_are_401(db: None, header: str) -> None:
    client = Visitor(headers={"authorization": header})
    answer = client.look("user")
    assert (answer.status_code, answer["Content-Type"]) == (401, "application/problem+json")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", ["auth/user/", "wordcount/list/"])
def test_use_is_noted_whether_or_not_the_view_is_in_a_transaction(path: str) -> None:
    user = User.objects.create_user("ada@example.org", PASSWORD)
    token, key = token_create(user=user, name="x")
    assert script(key).get(f"/api/v1/{path}").status_code == 200
    token.refresh_from_db()
    assert token.last_used_at is not None


def test_token_is_what_was_chosen_and_says_so(signed_in: Visitor) -> None:
    made = signed_in.call("tokens", name="a", scope="read", expires_in_days=30).json()
    expires_at = datetime.fromisoformat(made["expires_at"])
    assert abs(expires_at - timezone.now() - timedelta(days=30)) < timedelta(minutes=1)
    listed = signed_in.look("tokens").json()["results"][0]
    assert (listed["scope"], listed["expires_at"]) == ("read", made["expires_at"])
    event = AuditEvent.objects.filter(event="token_created").latest("id")
    assert event.detail == f"read only, until {expires_at:%Y-%m-%d}"


def test_token_of_kinds_says_so_to_its_owner_and_to_administrators(
    signed_in: Visitor, ada: User, admin_client: Client
) -> None:
    made = signed_in.call("tokens", name="a", kinds=["wordcount", "wordcount"]).json()
    assert made["kinds"] == ["wordcount"]
    assert signed_in.look("tokens").json()["results"][0]["kinds"] == ["wordcount"]
    limits = "read and write of wordcount only, does not expire"
    assert AuditEvent.objects.filter(event="token_created").latest("id").detail == limits
    shown = admin_client.get(reverse("admin:users_user_change", args=[ada.pk])).content.decode()
    assert limits in shown
    assert made["key"] not in shown


def test_without_a_choice_a_token_may_write_and_does_not_expire(signed_in: Visitor) -> None:
    for made in (signed_in.call("tokens", name="a").json(), signed_in.look("tokens").json()):
        token = made.get("results", [made])[-1]  # of the list: that of the sign-in
        assert (token["scope"], token["expires_at"]) == ("write", None)


@pytest.mark.parametrize(
    "wrong",
    [{"scope": "admin"}, {"scope": ["read"]}, {"expires_in_days": 0}, {"expires_in_days": 366},
     {"kinds": ["none"]}, {"kinds": "wordcount"}, {"kinds": ["wordcount", "Wordcount/"]},
     {"expires_in_days": "30"}, {"expires_in_days": True}, {"expires_at": "2999-01-01"}],
)  # fmt: skip
def test_other_choices_are_refused(signed_in: Visitor, ada: User, wrong: dict[str, Any]) -> None:
    before = ada.api_tokens.count()
    answer = signed_in.call("tokens", name="a", **wrong)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == next(iter(wrong))
    assert ada.api_tokens.count() == before


def test_token_creates_none_that_outlives_it(signed_in: Visitor) -> None:
    key = signed_in.call("tokens", name="a", expires_in_days=30).json()["key"]
    for days in ({}, {"expires_in_days": None}, {"expires_in_days": 31}):
        answer = script(key).call("tokens", name="b", **days)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "expires_in_days")
    assert script(key).call("tokens", name="b", expires_in_days=29).status_code == 201


def test_a_stream_that_an_expired_token_opened_ends(ada: User, rf: RequestFactory) -> None:
    token, _ = token_create(user=ada, name="x", expires_at=timezone.now() + timedelta(hours=1))
    credential = credential_of(user=ada, token=token, request=rf.get("/"))
    assert credentials_ended([credential]) == set()
    ApiToken.objects.update(expires_at=timezone.now() - timedelta(minutes=1))
    assert credentials_ended([credential]) == {credential}
