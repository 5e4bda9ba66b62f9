"""A bucket that answers without end, by halves or wrongly, while somebody waits for us."""

import math
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from copy import deepcopy
from itertools import repeat
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client

from backend_django.bucket import objects, waiting
from backend_django.users.models import User
from backend_django.utils import database_wait
from backend_django.utils.breaker import Breaker
from backend_django.utils.database_wait import Limit
from tests.tls import TlsProxy, make_certificate

from .server import Bucket

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s"
ANSWERS = {
    "a byte now and then": list(repeat(b"H", 1000)),
    "half of a status line": [b"HTTP/1.1 1"],
    "to go on, by halves": [b"HTTP/1.1 100 Continue\r\n"],
    "everything exists": [OK % (0, b"")],
    "half of a document": [OK % (30, b"<InitiateMultipartUploadResult")],
    "another document": [OK % (5, b"hello")],
    "nothing": [],
}


@pytest.fixture
def answer(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Set what a server in the place of the bucket answers to whatever it is asked."""
    over = threading.Event()
    pieces: list[bytes] = []
    listening = socket.create_server(("127.0.0.1", 0))

    def serve(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.recv(65536)
            for piece in pieces:
                connection.sendall(piece)
                if over.wait(0.1):
                    return

    def listen() -> None:
        with suppress(OSError):
            while True:
                arrived = listening.accept()[0]
                threading.Thread(target=serve, args=(arrived,), daemon=True).start()

    threading.Thread(target=listen, daemon=True).start()
    bucket = Bucket(tmp_path)
    bucket.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    settings.STORAGES = settings.STORAGES | {"default": bucket.settings}
    monkeypatch.setattr(objects, "_breaker", Breaker())
    monkeypatch.setattr(Limit.__init__, "__defaults__", (False, 0.5, math.inf))
    yield pieces.extend
    over.set()
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()


def create(client: Client) -> Any:
    return client.post("/api/v1/wordcount/create/", {"file": SimpleUploadedFile("a.txt", b"one")})


def begin(client: Client) -> Any:
    return client.post(
        "/api/v1/wordcount/upload/", {"filename": "a.txt", "size": 9}, "application/json"
    )


@pytest.mark.matrix
@pytest.mark.timeout(60)
@pytest.mark.parametrize("act", [create, begin])
@pytest.mark.parametrize("kind", ANSWERS)
def test_ends_with_a_reason(
    answer: Any, user: User, kind: str, act: Callable[[Client], Any]
) -> None:
    answer(ANSWERS[kind])
    client = Client(raise_request_exception=False)
    client.force_login(user)
    response = act(client)
    if act is create and kind in {"everything exists", "another document"}:
        assert response.status_code in {201, 503}  # it said 200, and more is not asked of it
        return
    assert response.status_code == 503, response.content
    assert response.json()["code"] == "storage_unavailable"
    assert int(response["Retry-After"]) > 0


@pytest.mark.parametrize("hangs", ["silent", "dribbling"])
def test_a_handshake_that_does_not_end(
    answer: Any, user: User, settings: Any, tmp_path: Path, hangs: str
) -> None:
    with TlsProxy(1, make_certificate(tmp_path)) as proxy:
        proxy.hangs = hangs
        storage = deepcopy(settings.STORAGES["default"])
        storage["OPTIONS"]["endpoint_url"] = f"https://127.0.0.1:{proxy.port}"
        settings.STORAGES = settings.STORAGES | {"default": storage}
        client = Client(raise_request_exception=False)
        client.force_login(user)
        assert create(client).json()["code"] == "storage_unavailable"


@pytest.mark.matrix
def test_waits_for_several_servers_do_not_add_up(
    answer: Any, user: User, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database takes most of what a request may wait, and then the bucket dribbles."""
    answer(ANSWERS["a byte now and then"])
    monkeypatch.setattr(Limit.__init__, "__defaults__", (False, 60.0, math.inf))
    monkeypatch.setattr(database_wait, "OTHERS_SECONDS", 0.0)
    settings.DATABASE_REQUEST_SECONDS = 6.0
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.slow_database"]
    client = Client(raise_request_exception=False)
    client.force_login(user)
    began = time.monotonic()
    assert create(client).json()["code"] == "storage_unavailable"
    assert time.monotonic() - began < 20


def slow_database(get_response: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def middleware(request: Any) -> Any:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(2)")
        return get_response(request)

    return middleware


def test_all_addresses_of_a_bucket_have_the_time_of_one(
    answer: Any, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None of eight answers, which are what Amazon's have."""
    passed = [0.0]

    class Deaf(socket.socket):
        def connect(self, address: Any) -> None:
            passed[0] += self.gettimeout() or 60
            raise TimeoutError

    def resolve(name: str, *_: Any, **__: Any) -> list[Any]:
        addresses = [name] if name.startswith("192.") else [f"192.0.2.{n}" for n in range(8)]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, 443)) for each in addresses]

    client = Client(raise_request_exception=False)
    client.force_login(user)
    monkeypatch.setattr(waiting, "time", SimpleNamespace(monotonic=lambda: passed[0]))
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(socket, "socket", Deaf)
    assert create(client).json()["code"] == "storage_unavailable"
    assert 0 < passed[0] <= 0.6, "the web request may wait for half a second"
