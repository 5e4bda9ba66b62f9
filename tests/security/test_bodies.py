"""Whoever sends what nothing reads, in a body or in the query, is told so, and nothing is done."""

from typing import Any

import pytest
from django.test import Client
from django.urls import resolve

from backend_django.api.docs import document
from backend_django.users.models import User
from tests.matrix import matrix

from .addresses import LINK, OBJECT, ROOT, Address, every_address, things_of
from .test_token_scope import api_routes

BODIES = [
    (b'{"reason": "x"}', "application/json"),
    (b"[]", "application/json"),
    (b"x", "text/plain"),
    (b"reason=x", "application/x-www-form-urlencoded"),
    (b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--x--\r\n',
     "multipart/form-data; boundary=x"),
    (b"\xff" * 2_000_000, "application/json"),
]  # fmt: skip


def without_a_body() -> list[Address]:
    paths: Any = document()["paths"]
    return [
        address
        for address in every_address()
        if address.method != "get" and "requestBody" not in paths[address.template][address.method]
    ]


@pytest.fixture
def client(user: User) -> Client:
    made = Client(raise_request_exception=False)
    made.force_login(user)
    return made


@pytest.mark.slow
def test_a_body_that_nothing_reads_is_refused_at_every_address(client: Client, user: User) -> None:
    wrong: dict[str, Any] = {}
    addresses = without_a_body()
    for address in addresses:
        values = things_of(user, address) if address.access in {OBJECT, LINK} else {}
        path = address.path(values)
        for body, content_type in BODIES:
            answer = client.generic(address.method.upper(), path, body, content_type)
            if (answer.status_code, answer.json()["code"]) != (400, "unexpected_body"):
                wrong[f"{address} {content_type}"] = answer.content[:200]
    assert wrong == {}
    assert len(addresses) > 20


def test_without_a_body_or_with_an_empty_one_it_is_done(client: Client) -> None:
    for body in (b"", b"{}", b"{}\n"):
        answer = client.post(f"{ROOT}/auth/logout/others/", body, "application/json")
        assert answer.status_code == 200, body


def test_refusal_says_what_to_do(client: Client) -> None:
    answer = client.post(f"{ROOT}/auth/logout/", {"everywhere": True}, "application/json")
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["detail"] == "This address takes no body. Leave it out."
    assert client.get(f"{ROOT}/auth/user/").status_code == 200, "nothing was done"


@pytest.mark.slow
@pytest.mark.parametrize(
    "query",
    [
        "nonsense=1",
        matrix("nonsense"),
        matrix("page=1&page=2"),
        matrix("format=json"),
        matrix("a[]=1"),
    ],
)
def test_a_parameter_that_nothing_reads_is_refused_at_every_route(
    client: Client, query: str
) -> None:
    let_in = [
        (method, template, answer.status_code)
        for template, path in api_routes()
        if query.partition("=")[0] not in getattr(resolve(path).func, "query_parameters", ())
        for method in ("get", "head", "post", "put", "patch", "delete")
        if (answer := client.generic(method.upper(), f"{path}?{query}")).status_code
        not in {400, 405}
    ]
    assert let_in == [], len(let_in)
