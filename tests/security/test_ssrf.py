"""A URL of a user leads to public addresses only; calls end in time, and read so much only."""

import contextlib
import gzip
import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

import pytest
from urllib3.util import connection

from backend_django.utils.errors import (
    AddressRefused,
    ResponseTooLarge,
    ServiceError,
    ServiceUnavailable,
)
from backend_django.utils.http_client import HttpSession, Reply, is_public, post_once

pytestmark = pytest.mark.slow

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
        if self.path in {"/drip", "/drip-head", "/cut"}:
            self.drip()
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

    def drip(self) -> None:
        """Send a byte now and then, sooner than any read times out; or end too soon."""
        if self.path != "/drip-head":
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
        if self.path == "/cut":
            self.wfile.write(b"half")
            return
        with contextlib.suppress(OSError):
            while not self.server.is_over.wait(0.05):  # type: ignore[attr-defined]
                self.wfile.write(b"H")

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def service() -> Iterator[Any]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        server.asked, server.sent, server.is_over = [], 0, Event()  # type: ignore[attr-defined]
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.is_over.set()  # type: ignore[attr-defined]
        server.shutdown()


@pytest.fixture
def calls() -> list[dict[str, Any]]:
    return []


@pytest.fixture
def session(calls: list[dict[str, Any]]) -> HttpSession:
    return HttpSession(budget_seconds=2, record=calls.append)


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
    session: HttpSession, calls: list[dict[str, Any]], service: Any, host: str
) -> None:
    with pytest.raises(AddressRefused, match="not a public address") as refused:
        session.get(f"http://{host}:{service.server_port}/")
    assert refused.value.code == "address_refused"
    assert [call["outcome"] for call in calls] == ["refused"], "and nobody tried again"
    assert service.asked == []


def test_service_that_is_allowed_by_name_is_called(
    session: HttpSession, service: Any, settings: Any
) -> None:
    assert session.get(f"http://127.0.0.1:{service.server_port}/").text == "hello"
    settings.HTTP_CLIENT_INTERNAL_HOSTS = [f"LOCALHOST:{service.server_port}"]
    assert session.get(f"http://localhost:{service.server_port}/").text == "hello"
    settings.HTTP_CLIENT_INTERNAL_HOSTS = ["localhost:1"]
    with pytest.raises(AddressRefused):
        HttpSession(budget_seconds=2, record=print).get(f"http://localhost:{service.server_port}/")


def test_redirect_into_the_own_network_is_not_followed(session: HttpSession, service: Any) -> None:
    start = f"http://127.0.0.1:{service.server_port}/to"
    with pytest.raises(AddressRefused, match="localhost"):
        session.get(f"{start}/http://localhost:{service.server_port}/secret")
    assert "/secret" not in service.asked
    for target in ("file:///etc/passwd", "gopher://127.0.0.1/", "http://"):
        with pytest.raises(AddressRefused):
            session.get(f"{start}/{target}")


def test_what_is_checked_is_what_is_connected_to(
    session: HttpSession, monkeypatch: pytest.MonkeyPatch
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
    with pytest.raises(ServiceUnavailable):
        session.get("http://rebind.example/")
    assert connected == [PUBLIC]
    with pytest.raises(AddressRefused):
        session.get("http://rebind.example/")


def test_one_own_address_among_public_ones_is_enough_to_refuse(
    session: HttpSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [(socket.AF_INET, 1, 6, "", (address, 80)) for address in (PUBLIC, "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: rows)
    with pytest.raises(AddressRefused):
        session.get("http://both.example/")


def test_proxy_of_the_environment_does_not_call_for_us(
    session: HttpSession, service: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{service.server_port}")
    with pytest.raises(AddressRefused):
        session.get("http://10.0.0.5/")
    assert service.asked == []


@pytest.mark.parametrize("address", [PUBLIC, "2606:4700::6810:84e5", "8.8.8.8"])
def test_public_addresses_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("path", ["plain", "packed"])
def test_answer_without_end_is_read_to_the_limit_only(
    service: Any, settings: Any, path: str
) -> None:
    settings.HTTP_CLIENT_MAX_RESPONSE_BYTES = 3_000_000
    session = HttpSession(budget_seconds=2, record=print)
    address = f"http://127.0.0.1:{service.server_port}/{path}"
    with pytest.raises(ResponseTooLarge, match="has more than 3,000,000 bytes") as refused:
        session.get(address)
    assert refused.value.code == "response_too_large"
    received: list[bytes] = []
    with session.get(address, stream=True) as answer, pytest.raises(ResponseTooLarge):
        received.extend(answer.iter_content(100_000))
    assert 2_000_000 < sum(map(len, received)) <= 3_000_000


@pytest.mark.parametrize("path", ["busy", "moved", "garbled"])
def test_what_nobody_wants_to_read_is_not_read_without_end(service: Any, path: str) -> None:
    session = HttpSession(budget_seconds=0.1, record=print, max_bytes=3_000_000)
    with contextlib.suppress(ServiceError):
        assert session.get(f"http://127.0.0.1:{service.server_port}/{path}").text == "hello"
    assert service.sent < 20_000_000  # what fits into the sockets' buffers included


def test_answer_at_the_limit_is_whole(service: Any) -> None:
    address = f"http://127.0.0.1:{service.server_port}/"
    assert HttpSession(budget_seconds=2, record=print, max_bytes=5).get(address).text == "hello"
    with pytest.raises(ResponseTooLarge):
        HttpSession(budget_seconds=2, record=print, max_bytes=4).get(address)


@pytest.mark.parametrize("path", ["drip", "drip-head"])
@pytest.mark.timeout(30)
def test_response_that_drips_ends_with_the_budget(service: Any, path: str) -> None:
    session = HttpSession(budget_seconds=0.5)
    with pytest.raises(ServiceUnavailable):
        session.get(f"http://127.0.0.1:{service.server_port}/{path}")


def test_response_that_is_cut_off_is_the_services_fault(service: Any) -> None:
    with pytest.raises(ServiceUnavailable):
        HttpSession(budget_seconds=0.1).get(f"http://127.0.0.1:{service.server_port}/cut")


def post(service: Any, path: str, host: str = "127.0.0.1") -> Reply:
    url = f"http://{host}:{service.server_port}/{path}"
    return post_once(url, body=b"{}", headers={}, seconds=1, max_bytes=1000)


@pytest.mark.timeout(30)
def test_single_call_ends_in_time_and_reads_the_beginning_only(service: Any) -> None:
    assert post(service, "") == (200, "hello")
    assert post(service, "plain") == (200, "0" * 1000)
    assert post(service, "busy") == (503, "0" * 1000)
    assert post(service, "drip").status == 200
    assert post(service, "cut") == (200, "half")
    with pytest.raises(ServiceUnavailable):
        post(service, "drip-head")
    assert service.asked == ["/", "/plain", "/busy", "/drip", "/cut", "/drip-head"], "once each"
    assert service.sent < 20_000_000


def test_single_call_follows_no_redirect(service: Any) -> None:
    assert post(service, f"to/http://127.0.0.1:{service.server_port}/secret").status == 302
    assert "/secret" not in service.asked
    with pytest.raises(AddressRefused):
        post(service, "", host="localhost")
