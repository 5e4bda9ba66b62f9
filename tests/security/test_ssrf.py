"""Where a job is sent by a user, it goes to public addresses only, and reads so much only."""

import contextlib
import gzip
import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from urllib3.util import connection

from backend_django.processing.errors import ProcessingError
from backend_django.processing.outside import OutsideSession, is_public

PUBLIC = "93.184.215.14"
MEGABYTE = b"0" * 1_000_000
# Status, what is sent again and again, and whether it claims to be packed.
ENDLESS = {
    "/plain": (200, MEGABYTE, False),
    "/packed": (200, gzip.compress(MEGABYTE), True),
    "/busy": (503, MEGABYTE, False),
    "/moved": (302, MEGABYTE, False),
    "/garbled": (302, MEGABYTE, True),
}


class Answer(BaseHTTPRequestHandler):
    """`/to/<url>` redirects there; some answers never end; anything else says hello."""

    def do_GET(self) -> None:
        self.server.asked.append(self.path)  # type: ignore[attr-defined]
        if self.path in ENDLESS:
            self.go_on()
            return
        target = self.path.removeprefix("/to/")
        self.send_response(200 if target == self.path else 302)
        self.send_header("Location", target)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    def go_on(self) -> None:
        code, part, packed = ENDLESS[self.path]
        self.send_response(code)
        self.send_header("Location", "/")
        if packed:
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        with contextlib.suppress(OSError):
            while True:
                self.wfile.write(part)
                self.server.sent += len(part)  # type: ignore[attr-defined]

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def service() -> Iterator[Any]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        server.asked, server.sent = [], 0  # type: ignore[attr-defined]
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def calls() -> list[dict[str, Any]]:
    return []


@pytest.fixture
def session(calls: list[dict[str, Any]]) -> OutsideSession:
    return OutsideSession(budget_seconds=2, record=calls.append)


@pytest.mark.parametrize(
    "host",
    [
        "localhost", "127.0.0.2", "0.0.0.0", "2130706433", "0x7f.1", "10.0.0.5", "172.16.3.4",
        "192.168.1.1", "169.254.169.254", "100.100.100.200", "224.0.0.1", "[::1]", "[::]",
        "[fe80::1]", "[fd00:ec2::254]", "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]", "[fec0::1]",
    ],
)  # fmt: skip
def test_own_network_is_not_called(
    session: OutsideSession, calls: list[dict[str, Any]], service: Any, host: str
) -> None:
    with pytest.raises(ProcessingError, match="not a public address") as refused:
        session.get(f"http://{host}:{service.server_port}/")
    assert refused.value.code == "address_refused"
    assert [call["outcome"] for call in calls] == ["refused"], "and nobody tried again"
    assert service.asked == []


def test_service_that_is_allowed_by_name_is_called(
    session: OutsideSession, service: Any, settings: Any
) -> None:
    assert session.get(f"http://127.0.0.1:{service.server_port}/").text == "hello"
    settings.PROCESSING_INTERNAL_HOSTS = [f"LOCALHOST:{service.server_port}"]
    assert session.get(f"http://localhost:{service.server_port}/").text == "hello"
    settings.PROCESSING_INTERNAL_HOSTS = ["localhost:1"]
    with pytest.raises(ProcessingError):
        OutsideSession(budget_seconds=2, record=print).get(
            f"http://localhost:{service.server_port}/"
        )


def test_redirect_into_the_own_network_is_not_followed(
    session: OutsideSession, service: Any
) -> None:
    start = f"http://127.0.0.1:{service.server_port}/to"
    with pytest.raises(ProcessingError, match="address_refused: localhost"):
        session.get(f"{start}/http://localhost:{service.server_port}/secret")
    assert "/secret" not in service.asked
    for target in ("file:///etc/passwd", "gopher://127.0.0.1/", "http://"):
        with pytest.raises(ProcessingError, match="address_refused"):
            session.get(f"{start}/{target}")


def test_what_is_checked_is_what_is_connected_to(
    session: OutsideSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name server that says something else when it is asked again gains nothing."""
    answers, connected = [PUBLIC, "127.0.0.1", "127.0.0.1"], []

    def resolve(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        found = answers.pop(0) if host == "rebind.example" else host
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (found, port))]

    def connect(address: tuple[str, int], *_: Any, **__: Any) -> None:
        connected.append(address[0])
        raise OSError("there is no internet in this test")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(connection, "create_connection", connect)
    session._deadline = 0  # one try
    with pytest.raises(ProcessingError, match="service_unavailable"):
        session.get("http://rebind.example/")
    assert connected == [PUBLIC]
    with pytest.raises(ProcessingError, match="address_refused"):
        session.get("http://rebind.example/")


def test_one_own_address_among_public_ones_is_enough_to_refuse(
    session: OutsideSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [(socket.AF_INET, 1, 6, "", (address, 80)) for address in (PUBLIC, "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: rows)
    with pytest.raises(ProcessingError, match="address_refused"):
        session.get("http://both.example/")


def test_proxy_of_the_environment_does_not_call_for_us(
    session: OutsideSession, service: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{service.server_port}")
    with pytest.raises(ProcessingError, match="address_refused"):
        session.get("http://10.0.0.5/")
    assert service.asked == []


@pytest.mark.parametrize("address", [PUBLIC, "2606:4700::6810:84e5", "8.8.8.8"])
def test_public_addresses_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("path", ["plain", "packed"])
def test_answer_without_end_is_read_to_the_limit_only(
    service: Any, settings: Any, path: str
) -> None:
    settings.PROCESSING_MAX_ANSWER_BYTES = 3_000_000
    session = OutsideSession(budget_seconds=2, record=print)
    address = f"http://127.0.0.1:{service.server_port}/{path}"
    with pytest.raises(ProcessingError, match="has more than 3,000,000 bytes") as refused:
        session.get(address)
    assert refused.value.code == "answer_too_large"
    received: list[bytes] = []
    with session.get(address, stream=True) as answer, pytest.raises(ProcessingError):
        received.extend(answer.iter_content(100_000))
    assert 2_000_000 < sum(map(len, received)) <= 3_000_000


@pytest.mark.parametrize("path", ["busy", "moved", "garbled"])
def test_what_nobody_wants_to_read_is_not_read_without_end(service: Any, path: str) -> None:
    session = OutsideSession(budget_seconds=0.1, record=print, max_bytes=3_000_000)
    with contextlib.suppress(ProcessingError):
        assert session.get(f"http://127.0.0.1:{service.server_port}/{path}").text == "hello"
    assert service.sent < 20_000_000  # what fits into the sockets' buffers included


def test_answer_at_the_limit_is_whole(service: Any) -> None:
    address = f"http://127.0.0.1:{service.server_port}/"
    assert OutsideSession(budget_seconds=2, record=print, max_bytes=5).get(address).text == "hello"
    with pytest.raises(ProcessingError, match="answer_too_large"):
        OutsideSession(budget_seconds=2, record=print, max_bytes=4).get(address)
