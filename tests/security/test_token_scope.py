"""What a token may do: every route and every method, with a token that may only read, with one of
some kinds, and with one that has expired.
"""

import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import resolve
from django.utils import timezone

from backend_django.users.models import ApiToken, User
from backend_django.users.services import token_create
from tests.of_modules import of_modules

from .addresses import LINK, OBJECT, OPEN, OWN, ROOT, every_address, things_of
from .test_routes import path_of, routes

UNSAFE = ("post", "put", "patch", "delete", "propfind")
# They take no credentials, so that a stale one keeps nobody out: a token opens nothing here.
DEAF = {address.template for address in every_address() if address.access in {OPEN, LINK}}
DEAF -= {"/auth/logout/", "/auth/session/"}


def script(user: User, **options: Any) -> tuple[Client, ApiToken]:
    token, key = token_create(user=user, name="x", **options)
    headers = {"authorization": f"Token {key}"}
    return Client(headers=headers, raise_request_exception=False), token


def api_routes() -> Iterator[tuple[str, str]]:
    rng = random.Random(0)
    for template, pattern in routes():
        if template.startswith((f"{ROOT}/", "/events/")):
            paths = {path_of(template, rng) for _ in range(20)}  # with ids of either kind
            path = next(path for path in sorted(paths) if resolve(path).func is pattern.callback)
            yield template.removeprefix(ROOT), path


def answers(client: Client, methods: tuple[str, ...]) -> Iterator[tuple[str, str, int, str]]:
    for template, path in api_routes():
        for method in methods:
            answer = client.generic(method.upper(), path, "{}", "application/json")
            is_problem = answer["Content-Type"].startswith("application/problem+json")
            code = answer.json()["code"] if is_problem else ""
            yield template, method, answer.status_code, code


@pytest.mark.slow
def test_token_that_may_read_changes_nothing_at_any_route(user: User) -> None:
    client, _ = script(user, scope="read")
    seen = list(answers(client, UNSAFE))
    let_in = [
        (template, method, status, code)
        for template, method, status, code in seen
        if template not in DEAF and (status, code) != (403, "read_only_token")
    ]
    # Plain views that draw or that stand beside the API take no such method from anybody.
    assert [row for row in let_in if row[2] != 405] == []
    refused = {row[0] for row in seen} - {row[0] for row in let_in} - DEAF
    assert len(refused) > 40


@pytest.mark.slow
def test_token_that_may_read_reads_what_the_other_reads(user: User) -> None:
    read, write = (script(user, scope=scope)[0] for scope in ("read", "write"))
    met = 0
    for address in every_address():
        if address.method == "get" and address.access in {OWN, OBJECT}:
            values = things_of(user, address) if address.access == OBJECT else {}
            codes = [address.call(client, values).status_code for client in (read, write)]
            assert codes[0] == codes[1], address
            for_sessions = address.template.startswith(tuple(of_modules("TAKES_NO_TOKEN")))
            assert (codes[0] in {401, 403}) == for_sessions, address
            met += 1
    assert met > 20


@pytest.mark.slow
def test_token_that_may_write_is_as_before(user: User) -> None:
    client, token = script(user)
    assert (token.scope, token.expires_at) == ("write", None)
    assert [row for row in answers(client, ("post",)) if row[3] == "read_only_token"] == []


@pytest.mark.slow
@pytest.mark.parametrize("scope", ["read", "write"])
def test_token_that_has_expired_opens_nothing(user: User, scope: str) -> None:
    client, token = script(user, scope=scope, expires_at=timezone.now() + timedelta(hours=1))
    assert client.get(f"{ROOT}/auth/user/").status_code == 200
    ApiToken.objects.filter(pk=token.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    let_in = [
        row for row in answers(client, ("get", "post")) if row[0] not in DEAF and row[2] != 401
    ]
    # Swagger UI sends a stranger to the page for signing in.
    assert [row for row in let_in if row[2] not in {302, 405}] == []
    refusal = client.get(f"{ROOT}/auth/user/")
    assert (refusal.json()["code"], refusal["WWW-Authenticate"]) == ("token_expired", "Token")


@pytest.mark.slow
def test_token_of_one_kind_opens_nothing_else_at_any_route(user: User) -> None:
    client, _ = script(user, kinds=["wordcount"])
    seen = list(answers(client, ("get", *UNSAFE)))
    inside = [row for row in seen if row[0].startswith("/wordcount/")]
    outside = [row for row in seen if row not in inside and row[0] not in DEAF]
    assert [row for row in inside if row[2] in {401, 403}] == []
    # Plain views take no such method from anybody.
    assert [
        row for row in outside if row[2:] != (403, "token_of_other_kind") and row[2] != 405
    ] == []
    assert len({row[0] for row in inside}) > 10 < len({row[0] for row in outside})


def test_token_of_kinds_that_may_read_only_reads_only_those(user: User) -> None:
    client, _ = script(user, kinds=["wordcount"], scope="read")
    assert client.get(f"{ROOT}/wordcount/list/").status_code == 200
    assert client.post(f"{ROOT}/wordcount/create/").json()["code"] == "read_only_token"
    refusal = client.get(f"{ROOT}/requests/list/")
    assert (refusal.status_code, refusal["Content-Type"]) == (403, "application/problem+json")
    assert "only some features" in refusal.json()["detail"]
    assert "account page" in refusal.json()["detail"]


def test_refusal_says_what_to_do(user: User) -> None:
    client, _ = script(user, scope="read")
    refusal = client.post(f"{ROOT}/auth/logout/others/")
    assert refusal["Content-Type"] == "application/problem+json"
    assert "may only read" in refusal.json()["detail"]
    assert "account page" in refusal.json()["detail"]


def test_a_session_beside_the_token_does_not_help(user: User) -> None:
    client, _ = script(user, scope="read")
    client.force_login(user)
    assert client.post(f"{ROOT}/auth/logout/others/").json()["code"] == "read_only_token"
