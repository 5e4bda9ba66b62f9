"""Tokens of scripts: several, named, seen once, revoked one by one."""

import pytest

from backend_django.users.models import ApiToken, User
from backend_django.users.services import token_create

from .conftest import PASSWORD, Visitor, script


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
