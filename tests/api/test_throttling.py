"""How often one may call, and what happens while Redis is away."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import caches
from django.test import Client

from backend_django.api import throttling
from backend_django.users.models import User
from backend_django.users.services import token_create
from backend_django.utils import cache as cache_module
from backend_django.utils.client import client_address
from scripts.processes import free_port

from .test_problems import assert_problem

OPEN = "/api/v1/version/"
CLOSED = "/api/v1/auth/user/"


@pytest.fixture(params=["redis", "redis is away"], autouse=True)
def _counters(
    request: pytest.FixtureRequest, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    settings.API_RATES = {"user": "5/day", "address": "3/day", "tiles": "4/day"}
    if request.param == "redis":
        caches["redis"].clear()
        yield
        caches["redis"].clear()
        return
    nowhere = {"LOCATION": f"redis://127.0.0.1:{free_port()}/0"}
    settings.CACHES = settings.CACHES | {"redis": settings.CACHES["redis"] | nowhere}
    monkeypatch.setattr(cache_module, "_away_until", 0.0)
    cache_module._stand_in.clear()
    yield
    cache_module._stand_in.clear()
    monkeypatch.setattr(cache_module, "_away_until", 0.0)


def codes(client: Client, path: str, count: int, **headers: str) -> list[int]:
    return [client.get(path, headers=headers).status_code for _ in range(count)]


def test_address_that_asks_too_often_is_told_when_to_come_again(client: Client, db: None) -> None:
    assert codes(client, OPEN, 4) == [200, 200, 200, 429]
    answer = client.get(OPEN)
    problem = assert_problem(answer, 429, "throttled")
    assert 0 < int(answer["Retry-After"]) <= 86400
    assert problem["detail"].startswith("Too many requests. Try again ")


def test_user_is_counted_by_name_wherever_they_come_from(client: Client, user: User) -> None:
    client.force_login(user)
    assert codes(client, CLOSED, 6) == [200] * 5 + [429]
    assert client.get(CLOSED, REMOTE_ADDR="192.0.2.7").status_code == 429
    assert Client().get(OPEN).status_code == 200, "others are not counted with them"


def test_calls_without_good_credentials_are_counted_too(client: Client, user: User) -> None:
    guess = {"authorization": "Token 0123456789"}
    assert codes(client, CLOSED, 3) == [401] * 3
    assert_problem(client.get(CLOSED), 429, "throttled")
    right = {"authorization": f"Token {token_create(user=user, name='a')[1]}"}
    for headers in (guess, right):  # the answer does not tell which one was right
        answer = client.get(CLOSED, headers=headers)
        assert_problem(answer, 429, "throttled")
        assert 0 < int(answer["Retry-After"]) <= 86400
    client.force_login(user)
    assert client.get(CLOSED).status_code == 200, "people behind the same address go on"


def test_tiles_are_counted_apart(client: Client, user: User, rf: Any) -> None:
    def ask(user_id: int | None) -> list[int]:
        answers = [throttling.count_tile(rf.get("/"), user_id) for _ in range(5)]
        return [answer.status_code if answer else 200 for answer in answers]

    assert ask(user.pk) == ask(None) == [200] * 4 + [429]
    client.force_login(user)
    assert client.get(CLOSED).status_code == 200


def test_forged_addresses_do_not_help(client: Client, db: None, settings: Any) -> None:
    forged = [client.get(OPEN, headers={"x-forwarded-for": f"192.0.2.{n}"}) for n in range(4)]
    assert [answer.status_code for answer in forged] == [200, 200, 200, 429]

    caches["redis"].clear()
    settings.TRUSTED_PROXY_COUNT = 1  # the proxy appends whom it sees
    behind = [
        client.get(OPEN, headers={"x-forwarded-for": f"192.0.2.{n}, 198.51.100.9"})
        for n in range(4)
    ]
    assert [answer.status_code for answer in behind] == [200, 200, 200, 429]
    other = client.get(OPEN, headers={"x-forwarded-for": "192.0.2.1, 198.51.100.10"})
    assert other.status_code == 200, "another visitor behind the same proxy"


@pytest.mark.parametrize(
    ("headers", "proxies", "expected"),
    [
        ({"REMOTE_ADDR": "192.0.2.1"}, 0, "192.0.2.1"),
        ({"REMOTE_ADDR": "2001:db8:1:2:3::4"}, 0, "2001:db8:1:2::"),
        ({"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": "a, 192.0.2.1"}, 1, "192.0.2.1"),
        ({"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": "192.0.2.1"}, 2, "10.0.0.1"),
        ({"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": ""}, 1, "10.0.0.1"),
    ],
)
def test_whose_address_counts(
    rf: Any, settings: Any, headers: dict[str, str], proxies: int, expected: str
) -> None:
    settings.TRUSTED_PROXY_COUNT = proxies
    assert client_address(rf.get("/", **headers)) == expected


def test_parallel_calls_are_all_counted() -> None:
    waits: list[float] = []

    def ask() -> None:
        waits.extend(throttling.seconds_to_wait("test", "somebody", "20/day") for _ in range(10))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(waits) == 40
    assert sum(wait == 0 for wait in waits) == 20


def test_a_rate_that_cannot_be_read_says_how_it_is_written() -> None:
    with pytest.raises(ValueError, match="600/minute"):
        throttling.parse_rate("often")
