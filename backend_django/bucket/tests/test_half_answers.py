"""A bucket that answers without end, by halves or wrongly, while somebody waits for us."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import repeat
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from backend_django.bucket import objects
from backend_django.users.models import User
from backend_django.utils.breaker import Breaker
from backend_django.utils.database_wait import Limit

from .server import Bucket

pytestmark = pytest.mark.django_db(transaction=True)
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
    over, pieces = threading.Event(), []
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
    monkeypatch.setattr(Limit.__init__, "__defaults__", (False, 0.5))
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
