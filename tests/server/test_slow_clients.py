"""More slow clients than threads, and nobody else notices."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.server.conftest import THREADS, Server
from tests.server.slow import BODY, HEAD, SlowClients, is_answered, multipart, send_slowly
from tests.stack import Api, wait_for

pytestmark = pytest.mark.slow
OTHERS = ("/", "/api/v1/version-info/", "/health/live", "/health/ready")


def ask_all(url: str) -> None:
    """Ask as somebody else does, each time over a connection of its own."""
    for path in OTHERS:
        assert httpx.get(f"{url}{path}", timeout=10).status_code == 200, path


def answer_of(opened: socket.socket, seconds: float = 30) -> bytes:
    """Return all that the server sends until it closes."""
    opened.settimeout(seconds)
    received = b""
    while piece := opened.recv(65536):
        received += piece
    return received


@pytest.mark.parametrize("addresses", [1, 45])
def test_others_are_answered(server: Server, addresses: int) -> None:
    with SlowClients(server.url, heads=60, bodies=30, addresses=addresses) as slow:
        assert slow.connected == 90 > THREADS
        ask_all(server.url)
        assert slow.connected == 90  # it was not that they had been sent away


@pytest.mark.parametrize("beginning", [HEAD, BODY], ids=["head", "body"])
def test_who_is_too_slow_is_told_so(server: Server, beginning: bytes) -> None:
    with SlowClients(server.url, heads=beginning == HEAD, bodies=beginning == BODY) as slow:
        answer = answer_of(slow.sockets[0])
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert b"application/problem+json" in head
    assert b'"code": "request_timeout"' in body


def test_a_silent_connection_is_closed(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port)) as opened:
        assert answer_of(opened).startswith(b"HTTP/1.1 408")


def test_an_honest_slow_upload_arrives(server: Server, api: Api) -> None:
    body, content_type = multipart(bytes(500_000))
    answer = httpx.post(
        f"{server.url}/api/v1/wordcount/copy/create/",
        content=send_slowly(body, seconds=12, pieces=40),
        headers={
            "Authorization": api.headers["Authorization"],
            "Content-Type": content_type,
            "Content-Length": str(len(body)),
        },
        timeout=60,
    )
    assert answer.status_code == 201, answer.text
    assert api.wait("wordcount/copy", answer.json()["id"])["status"] == "completed"


def test_the_slowest_of_an_address_makes_room(server: Server) -> None:
    with SlowClients(server.url, heads=0, bodies=100) as slow:
        time.sleep(2.5)  # their rate says something by now
        assert httpx.get(f"{server.url}/health/live", timeout=10).status_code == 200
        assert 90 <= slow.connected < 100


def test_other_addresses_do_not_count(server: Server) -> None:
    with SlowClients(server.url, heads=0, bodies=160, addresses=2) as slow:
        ask_all(server.url)
        assert slow.connected == 160


def test_who_does_not_read_holds_no_thread(server: Server, api: Api) -> None:
    size, token = 40_000_000, api.headers["Authorization"]
    request = api.create("wordcount/copy", bytes(size), "zeros")
    assert api.wait("wordcount/copy", request["id"])["status"] == "completed"
    path = f"/api/v1/wordcount/copy/download-file/{request['id']}/"
    lines = "\r\n".join(
        [f"GET {path} HTTP/1.1", "Host: 127.0.0.1", f"Authorization: {token}", "", ""]
    )
    readers = []
    try:
        for _ in range(THREADS * 3):
            opened = socket.socket()
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            opened.connect(("127.0.0.1", server.port))
            opened.sendall(lines.encode())
            opened.setblocking(False)
            readers.append(opened)
        wait_for(lambda: all(map(is_answered, readers)), what="all answers have begun")
        ask_all(server.url)
        with ThreadPoolExecutor(1) as pool:  # and who does read has all of it meanwhile
            headers = {"Authorization": token}
            whole = pool.submit(httpx.get, f"{server.url}{path}", headers=headers, timeout=60)
            assert whole.result().content == bytes(size)
        # Each is closed in the end.
        wait_for(lambda: in_use(server) == 0, seconds=40, what="the readers are given up")
    finally:
        for opened in readers:
            opened.close()


def in_use(server: Server) -> int:
    """Return how many connections the server has open (Linux)."""
    with open("/proc/net/tcp") as table:
        rows = [line.split() for line in table][1:]
    return sum(row[1].endswith(f":{server.port:04X}") and row[3] == "01" for row in rows)
