"""Who may ask what: every address of the API as a stranger, as somebody else, as staff, as owner.

See `addresses.py` for how an address that is new comes in.
"""

import re
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from backend_django.api.docs import document
from backend_django.processing.models import ProcessingRequest, ProcessingResult
from backend_django.users.models import User

from .addresses import (
    LINK,
    OBJECT,
    OPEN,
    OWN,
    READERS,
    SHARED,
    Address,
    every_address,
    factories,
    things_of,
    things_of_nobody,
)

pytestmark = pytest.mark.slow

Answer = tuple[int, Any]


@pytest.fixture(scope="module")
def addresses() -> list[Address]:
    document.cache_clear()
    return every_address()


@pytest.fixture
def stranger(db: None) -> Client:
    return Client(raise_request_exception=False)


def signed_in(user: User) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


@pytest.fixture
def owner(user: User) -> Client:
    return signed_in(user)


@pytest.fixture
def others(db: None) -> dict[str, Client]:
    """Somebody else, and somebody with every right in the admin."""
    other = User.objects.create_user("grace@example.org", "correct horse battery staple")
    staff = User.objects.create_superuser("root@example.org", "correct horse battery staple")
    return {"other": signed_in(other), "staff": signed_in(staff)}


def seen(answer: Any) -> Answer:
    """What an answer tells: all but the ID of the call."""
    if "json" in answer.get("Content-Type", ""):
        body = answer.json()
        if isinstance(body, dict):
            for name in ("trace_id", "request_id"):
                body.pop(name, None)
        return answer.status_code, body
    return answer.status_code, getattr(answer, "content", b"")


def complete(values: dict[str, str], address: Address) -> None:
    """Give the request a result: what is not there yet cannot leak."""
    rows = ProcessingRequest.objects.filter(id=values["id"]) if "-" in values["id"] else None
    if rows and rows.exists():
        rows.update(status="completed", finished_at=timezone.now())
        result = getattr(factories(address.template.split("/")[1]), "RESULT", {})
        ProcessingResult.objects.create(request=rows.get(), attempt=1, **{"data": {}} | result)


def of(addresses: list[Address], access: str) -> list[Address]:
    found = [address for address in addresses if address.access == access]
    assert found, access
    return found


def test_every_address_is_classified(addresses: list[Address]) -> None:
    unknown = [str(address) for address in addresses if address.access is None]
    assert unknown == [], "say for whom they are: tests/security/addresses.py"
    assert len(addresses) > 40


@pytest.mark.parametrize(
    "template", ["/wordcount/everything/", "/wordcount/{id}/", "/auth/people/", "/people/list/"]
)
def test_address_that_no_convention_knows_is_not_let_through(template: str) -> None:
    assert Address("get", template, False).access is None


def test_document_says_who_may(addresses: list[Address]) -> None:
    wrong = [
        str(address)
        for address in addresses
        if address.documented_open not in {None, address.access in {OPEN, LINK}}
    ]
    assert wrong == []


def test_strangers_are_asked_to_sign_in(addresses: list[Address], stranger: Client) -> None:
    values = {"id": "7b1e0e5c-5d1f-4a57-9f5c-0d9a6f2c8a11", "token": "x" * 30, "number": "1"}
    values |= dict.fromkeys("zxy", "0")
    let_in = {
        str(address): seen(answer)
        for address in addresses
        if address.access in {OWN, OBJECT, READERS, SHARED}
        and (answer := address.call(stranger, _named(address, values))).status_code != 401
        and not (answer.status_code == 302 and answer["Location"].startswith("/login?next="))
    }
    assert let_in == {}


def _named(address: Address, values: dict[str, str]) -> dict[str, str]:
    """Values for all that an address names: an id, unless they are given."""
    named = dict.fromkeys(re.findall(r"{(\w+)}", address.template), values["id"]) | values
    return named | ({"id": "1"} if address.template.startswith("/auth/") else {})


def test_strangers_may_use_what_is_open(addresses: list[Address], stranger: Client) -> None:
    refused = {
        str(address): seen(answer)
        for address in of(addresses, OPEN)
        if (answer := address.call(stranger, {})).status_code not in {200, 204, 400}
    }
    assert refused == {}


@pytest.mark.slow
def test_things_of_others_do_not_exist(
    addresses: list[Address], user: User, owner: Client, others: dict[str, Client]
) -> None:
    leaks: dict[str, Any] = {}
    for address in of(addresses, OBJECT):
        values, found = things_of(user, address), False
        nothing = seen(address.call(owner, things_of_nobody(values)))
        for state in ("as made", "completed"):
            for name, client in others.items():
                if (answer := seen(address.call(client, values))) != nothing or answer[0] != 404:
                    leaks[f"{address} {state}, {name}"] = (answer, nothing)
            found = found or seen(address.call(owner, values)) != nothing
            values = things_of(user, address)
            complete(values, address)
        if not found:
            leaks[f"{address}, owner"] = nothing
    assert leaks == {}


def test_lists_and_pages_of_ones_own_tell_nothing_of_others(
    addresses: list[Address], user: User, owner: Client, others: dict[str, Client]
) -> None:
    leaks: dict[str, Any] = {}
    for address in of(addresses, OWN):
        if address.method != "get":
            continue
        things = {"id": user.email}
        if address.template.endswith("/list/"):
            things = things_of(user, address)
            assert things["id"] in str(seen(address.call(owner, {}))), address
        for name, client in others.items():
            status, body = seen(address.call(client, {}))
            if status != 200 or any(value in str(body) for value in (things["id"], user.email)):
                leaks[f"{address}, {name}"] = body
    assert leaks == {}


def test_changes_of_oneself_change_nobody_else(
    addresses: list[Address], user: User, others: dict[str, Client]
) -> None:
    def state() -> tuple[Any, ...]:
        user.refresh_from_db()
        return user.email, user.password, user.is_active, user.api_tokens.count()

    before = state()
    for address in of(addresses, OWN):
        if address.method != "get":
            answer = address.call(others["other"], {})
            assert answer.status_code in {200, 201, 400, 403, 409, 415}, (address, seen(answer))
            assert state() == before, address


def test_link_needs_its_secret_and_nothing_else(
    addresses: list[Address], user: User, stranger: Client
) -> None:
    wrong: dict[str, Any] = {}
    for address in [address for address in addresses if address.access == LINK]:
        values = things_of(user, address)
        complete(values, address)
        good = seen(address.call(stranger, values))
        changed = values["token"][:-1] + ("A" if values["token"][-1] != "A" else "B")
        bad = seen(address.call(stranger, values | {"token": changed}))
        if bad[0] != 404 or good == bad or good[0] in {401, 403}:
            wrong[str(address)] = (good, bad)
    assert wrong == {}
