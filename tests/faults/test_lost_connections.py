"""Connections that PostgreSQL ends in the middle of a request, at each statement of it."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from allauth.account.models import EmailAddress
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client

from backend_django.processing.models import ProcessingRequest
from backend_django.users.models import User
from tests.matrix import matrix

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
CALLERS = {"email": "ada@example.org", "password": "correct horse battery staple"}


class Killer:
    """Ends the connection before its nth statement, as an operator or a failover would."""

    def __init__(self, at: int) -> None:
        self.at, self.seen = at, 0

    def __call__(self, execute: Callable[..., Any], *args: Any) -> Any:
        self.seen += 1
        if self.seen == self.at:
            pid = connection.connection.info.backend_pid
            with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as other:
                other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
        return execute(*args)


@pytest.fixture
def caller(db: None) -> Iterator[Client]:
    user = User.objects.create_superuser(CALLERS["email"], CALLERS["password"])
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    client = Client(raise_request_exception=False)
    assert sign_in(client).status_code == 200
    yield client
    connection.close()


@contextmanager
def dies_before(statement: int) -> Iterator[Killer]:
    killer = Killer(statement)
    with connection.execute_wrapper(killer):
        yield killer
    connection.close()


READS = ["/api/v1/auth/user/", "/api/v1/wordcount/list/", "/admin/", "/api/v1/usage/"]


@pytest.mark.parametrize("address", READS)
def test_a_read_does_not_notice(caller: Client, address: str) -> None:
    before = caller.get(address)
    assert before.status_code == 200
    for statement in range(1, 100):
        with dies_before(statement) as killer:
            answer = caller.get(address)
        assert answer.status_code == 200, (statement, answer.content)
        if killer.seen < statement:
            break
    assert statement > 2, "nothing was killed"


def upload(client: Client) -> Any:
    file = SimpleUploadedFile("a.txt", b"one two")
    return client.post("/api/v1/wordcount/create/", {"file": file})


def sign_in(client: Client) -> Any:
    return client.post("/api/v1/auth/login/", CALLERS, "application/json")


@pytest.mark.slow
@pytest.mark.parametrize("write", [upload, matrix(sign_in)])
def test_a_write_is_done_or_refused_with_503(
    caller: Client, write: Callable[[Client], Any]
) -> None:
    done = refused = 0
    for statement in range(1, 100):
        before = ProcessingRequest.objects.count()
        cache.clear()  # the limit of attempts
        with dies_before(statement) as killer:
            answer = write(caller)
        if answer.status_code == 503:
            refused += 1
            assert answer.headers["Content-Type"] == "application/problem+json"
            assert answer.json()["code"] == "database_unavailable"
            assert int(answer.headers["Retry-After"]) > 0
        else:
            done += 1
            assert answer.status_code in (200, 201), (statement, answer.content)
            if write is upload:
                assert ProcessingRequest.objects.count() == before + 1
        if killer.seen < statement:
            break
    assert done > 2
    assert refused > 0 or write is sign_in
