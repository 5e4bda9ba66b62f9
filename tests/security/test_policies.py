"""Acting for accounts that are not one's own, as a module may let people do."""

from collections.abc import Iterable
from typing import Any

import pytest
from django.db.models import QuerySet
from django.test import Client, RequestFactory

from backend_django import policies
from backend_django.policies import Action
from backend_django.processing.models import ProcessingRequest
from backend_django.processing.queries import requests_visible_to
from backend_django.users.models import User
from backend_django.utils.errors import NoSuchAccount, RoleTooLow


class Looking:
    """Everybody may look at what this account has, and say so in a header."""

    def __init__(self, shared: User) -> None:
        self.shared = shared

    def owners(self, user_id: Any, action: Action) -> QuerySet[Any]:
        rows = User.objects.filter(id=self.shared.id).values("id")
        return rows if action == Action.VIEW else rows.none()

    def allows(self, user_id: Any, action: Action, owner_id: Any) -> bool:
        return action == Action.VIEW and owner_id == self.shared.id

    def people(self, owner_ids: Iterable[Any]) -> dict[Any, list[Any]]:
        everybody = User.objects.exclude(id=self.shared.id).values_list("id", flat=True)
        return {owner: list(everybody) for owner in owner_ids if owner == self.shared.id}

    def account(self, user_id: Any, named: str) -> User | None:
        return self.shared if named == "shared" else None


@pytest.fixture
def shared(db: None, monkeypatch: pytest.MonkeyPatch) -> User:
    account = User.objects.create_user("shared@example.org")
    monkeypatch.setattr(policies, "_delegations", [Looking(account)])
    return account


@pytest.fixture
def caller(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def request_of(owner: User) -> ProcessingRequest:
    return ProcessingRequest.objects.create(kind="wordcount", name="a", owner=owner)


def test_without_a_module_everybody_has_their_own(user: User) -> None:
    other = User.objects.create_user("grace@example.org")
    own, theirs = request_of(user), request_of(other)
    assert list(requests_visible_to(user)) == [own]
    assert policies.can(user, Action.MANAGE, own)
    assert not policies.can(user, Action.VIEW, theirs)
    assert policies.people([user.id, user.id, other.id]) == [user.id, other.id]
    factory = RequestFactory()
    assert policies.owner_for(user, factory.get("/"), Action.EDIT) == user
    with pytest.raises(NoSuchAccount):  # never for the person instead
        policies.owner_for(user, factory.get("/?act_for=other"), Action.VIEW)


def test_a_call_acts_for_the_account_that_it_names(
    shared: User, user: User, caller: Client
) -> None:
    own, theirs = request_of(user), request_of(shared)
    assert {*requests_visible_to(user)} == {own, theirs}
    assert policies.people([shared.id]) == [user.id]

    def listed(**headers: str) -> list[str]:
        rows = caller.get("/api/v1/requests/list/", headers=headers).json()["results"]
        return [row["id"] for row in rows]

    assert listed() == [str(own.id)], "a list is of one account"
    assert listed(**{policies.HEADER: "shared"}) == [str(theirs.id)]
    assert caller.get(f"/api/v1/requests/history/{theirs.id}/").status_code == 200


def test_who_may_look_is_told_that_they_may_not_change(
    shared: User, user: User, caller: Client
) -> None:
    theirs = request_of(shared)
    renamed = caller.patch(
        f"/api/v1/requests/rename/{theirs.id}/", {"name": "b"}, content_type="application/json"
    )
    assert (renamed.status_code, renamed.json()["code"]) == (403, "permission_denied")
    many = caller.post(
        "/api/v1/requests/delete/", {"ids": [str(theirs.id)]}, content_type="application/json",
        headers={policies.HEADER: "shared"},
    )  # fmt: skip
    assert many.status_code == 403
    assert ProcessingRequest.objects.get(id=theirs.id).name == "a"
    call = RequestFactory().post("/", headers={policies.HEADER: "shared"})
    with pytest.raises(RoleTooLow):
        policies.owner_for(user, call, Action.EDIT)
