"""Every route of the URL resolver while the database, the broker and the cache are away."""

import random
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
import redis
from django.db import connection
from django.test import Client

from backend_django.api.problems import is_api
from backend_django.users.models import User
from backend_django.utils.postgresql.base import DatabaseWrapper
from tests.security.test_routes import path_of, routes

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
PROBE = "/health/ready/"  # programs that ask it have their own interval
NEEDS_NOTHING = ("/health/live", "/api/v1/version/")


@pytest.fixture
def clients() -> dict[str, Client]:
    made = {name: Client(raise_request_exception=False) for name in ("stranger", "staff")}
    made["staff"].force_login(User.objects.create_superuser("root@example.org", "pw"))
    return made


@pytest.fixture
def servers_away(clients: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def refuse(*_: Any, **__: Any) -> None:
        raise psycopg.OperationalError("connection refused")

    def refuse_redis(*_: Any, **__: Any) -> None:
        raise redis.ConnectionError("connection refused")

    connection.close()
    with monkeypatch.context() as patch:
        patch.setattr(DatabaseWrapper, "get_new_connection", refuse)
        patch.setattr(redis.Connection, "connect", refuse_redis)
        yield
    connection.close()


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("who", ["stranger", "staff"])
def test_no_route_answers_that_it_is_broken(
    clients: dict[str, Client], servers_away: None, who: str, method: str
) -> None:
    broken, away = [], 0
    for template, _ in routes():
        path = path_of(template, random.Random(1))
        request: dict[str, Any] = {"content_type": "application/json"} if method == "post" else {}
        answer = getattr(clients[who], method)(path, **request)
        if path == PROBE:
            continue
        if answer.status_code == 503 and "not built" not in answer.getvalue().decode():
            away += 1
            assert int(answer["Retry-After"]) > 0, path
            if is_api(answer.wsgi_request):
                assert answer["Content-Type"] == "application/problem+json", path
                assert answer.json()["code"] == "database_unavailable", path
        elif answer.status_code >= 500:
            broken.append(f"{answer.status_code} {path}")
    assert broken == []
    assert away > 20
    for path in NEEDS_NOTHING:
        assert clients[who].get(path).status_code == 200
