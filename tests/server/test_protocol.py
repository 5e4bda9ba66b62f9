"""HTTP as clients may send it, well formed or not, on a plain socket."""

import contextlib
import io
import json
import os
import socket
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from backend_django.server import bridge
from tests.server.conftest import Server
from tests.server.line import VERSION, WRONG, Line, get, is_problem, sign_in
from tests.stack import Api, Stack, wait_for

pytestmark = pytest.mark.slow


@pytest.fixture
def line(server: Server) -> Iterator[Line]:
    made = Line(server)
    yield made
    made.close()


# What is no request


@pytest.mark.parametrize(
    ("text", "status", "code"),
    [
        ("nonsense\r\n\r\n", 400, "bad_request"),
        ("GET /\x01 HTTP/1.1\r\n\r\n", 400, "bad_request"),
        (get("/" + "a" * 9000), 414, "uri_too_long"),
        (get("/", "X: " + "a" * 9000), 431, "headers_too_large"),
        (get("/", *[f"X-{n}: 1" for n in range(101)]), 431, "headers_too_large"),
        # Two lengths: a proxy in front might read another body than we do.
        (get("/", "Content-Length: 5", "Transfer-Encoding: chunked"), 400, "bad_request"),
        (get("/", "Content-Length: 5", "Content-Length: 6"), 400, "bad_request"),
        (get("/", "Content-Length: -5"), 400, "bad_request"),
        (get("/", "Content-Length: 5_0"), 400, "bad_request"),
        (get("/", "Content-Length: " + "9" * 5000), 400, "bad_request"),
        (get("/", "Transfer-Encoding: chunked, identity"), 400, "bad_request"),
        (get("/", "Transfer-Encoding: gzip"), 400, "bad_request"),
        (get("/", "Transfer-Encoding: chunked") + "zz\r\n", 400, "bad_request"),
        (get("/", "A b: 1"), 400, "bad_request"),
        (get("/", "A: 1\r\n B: 2"), 400, "bad_request"),
    ],
    ids=lambda value: value[:24] if isinstance(value, str) else None,
)
def test_what_is_no_request_is_a_problem(line: Line, text: str, status: int, code: str) -> None:
    assert is_problem(line.send(text).answer(), status, code)
    assert line.is_closed()


def test_what_follows_a_request_at_once_and_is_none_is_a_problem(line: Line) -> None:
    line.send(get(VERSION) + get(VERSION, "Content-Length: " + "9" * 5000))
    assert line.answer()[0] == 200
    assert is_problem(line.answer(), 400, "bad_request")
    assert line.is_closed()


def test_the_second_request_of_a_connection_that_is_too_slow_is_a_problem(line: Line) -> None:
    assert line.send(get(VERSION)).answer()[0] == 200
    line.send("GET / HT")
    assert is_problem(line.answer(), 408, "request_timeout")


def test_a_response_without_a_length_ends_with_an_old_clients_connection(
    line: Line, api: Api
) -> None:
    head = get("/api/v1/requests/csv/", f"Authorization: {api.headers['Authorization']}")
    line.send(head.replace("1.1", "1.0").replace("\r\n\r\n", "\r\nConnection: keep-alive\r\n\r\n"))
    status, headers, _ = line.answer()
    assert (status, headers["connection"], "content-length" in headers) == (200, "close", False)
    assert b"," in line.file.read()


def test_a_body_that_is_too_large_is_refused_before_it_is_sent(line: Line) -> None:
    line.send(get(VERSION, "Content-Length: 99999999999999", method="POST"))
    assert is_problem(line.answer(), 413, "too_large")


def test_a_refused_sender_can_read_why(line: Line) -> None:
    """It is still sending when it is refused; its answer must not be lost in a reset."""
    line.send(get(VERSION, "Content-Length: 99999999999999", method="POST"))
    with contextlib.suppress(OSError):
        for _ in range(40):
            line.send(bytes(100_000))
    assert is_problem(line.answer(), 413, "too_large")


def test_an_upgrade_to_websockets_is_refused(line: Line) -> None:
    line.send(
        get(
            "/",
            *("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"),
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        )
    )
    assert line.answer()[0] == 403


# What is one


def test_a_connection_is_kept(line: Line) -> None:
    for _ in range(3):
        assert line.send(get(VERSION)).answer()[0] == 200


def test_requests_may_follow_one_another_at_once(line: Line) -> None:
    line.send(get(VERSION) * 3)
    assert [line.answer()[0] for _ in range(3)] == [200] * 3


def test_a_request_may_come_in_pieces(line: Line) -> None:
    for piece in get(VERSION):
        line.send(piece)
    assert line.answer()[0] == 200


def test_head_has_the_headers_and_no_body(line: Line) -> None:
    status, headers, _ = line.send(get("/", method="HEAD")).answer(body=False)
    assert status == 200
    assert int(headers["content-length"]) > 0
    assert line.send(get(VERSION)).answer()[0] == 200  # and what follows is in step


def test_http_1_0_ends_with_the_answer(line: Line) -> None:
    assert line.send(f"GET {VERSION} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n").answer()[0] == 200
    assert line.is_closed()


def test_a_target_may_name_the_host(line: Line) -> None:
    assert line.send(get(f"http://127.0.0.1{VERSION}")).answer()[0] == 200
    assert is_problem(line.send(get("http://[")).answer(), 400, "bad_request")


def test_a_body_in_chunks(line: Line) -> None:
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(WRONG[n : n + 7]), WRONG[n : n + 7])
                      for n in range(0, len(WRONG), 7))  # fmt: skip
    status, _, body = line.send(
        sign_in("Transfer-Encoding: chunked", chunks + b"0\r\n\r\n")
    ).answer()
    assert status == 400, body
    assert json.loads(body)["code"] != "bad_request"  # it was read


def test_a_client_that_asks_first_is_told_to_go_on(line: Line) -> None:
    line.send(sign_in(f"Content-Length: {len(WRONG)}\r\nExpect: 100-continue", b""))
    assert line.file.readline() == b"HTTP/1.1 100 Continue\r\n"
    assert line.file.readline() == b"\r\n"
    assert line.send(WRONG).answer()[0] == 400


def test_a_client_that_asks_first_is_told_not_to(line: Line) -> None:
    line.send(sign_in("Content-Length: 99999999999999\r\nExpect: 100-continue", b""))
    assert is_problem(line.answer(), 413, "too_large")


def test_headers_of_one_name_are_joined_and_with_underscores_dropped(line: Line, api: Api) -> None:
    token = api.headers["Authorization"]
    line.send(get("/api/v1/auth/user/", "X_Forwarded_For: 1.2.3.4", f"Authorization: {token}"))
    assert line.answer()[0] == 200
    line.send(get("/api/v1/auth/user/", f"Authorization_: {token}", f"AUTHORIZATION: {token}"))
    assert line.answer()[0] == 200


# Bodies and answers of any size


@pytest.mark.parametrize("size", [0, 1, 131_071, 131_072, 300_000, 5_000_001])
def test_what_is_sent_is_what_arrives(server: Server, api: Api, size: int) -> None:
    content = os.urandom(size or 1)
    headers = {"Authorization": api.headers["Authorization"]}
    with httpx.Client(base_url=f"{server.url}/api/v1/wordcount/copy/", headers=headers) as client:
        made = client.post("create/", files={"file": ("f", content)}).json()
        api.wait("wordcount/copy", made["id"])
        path = f"download-file/{made['id']}/"
        assert client.get(path).content == content
        part = client.get(path, headers={"Range": "bytes=0-70000"})
        assert (part.status_code, part.content) == (206, content[:70001])
        assert int(client.head(path).headers["content-length"]) == len(content)


def upload(api: Api, *headers: str) -> str:
    """Return the head of a request that may have a large body."""
    token = f"Authorization: {api.headers['Authorization']}"
    return get("/api/v1/wordcount/copy/create/", token, *headers, method="POST")


def test_who_goes_away_while_sending_leaves_nothing(server: Server, line: Line, api: Api) -> None:
    work = server.stack.work
    before = set(work.iterdir())
    line.send(upload(api, "Content-Length: 5000000")).send(bytes(1_000_000))
    wait_for(lambda: set(work.iterdir()) - before, what="the body is kept in a file")
    line.socket.shutdown(socket.SHUT_RDWR)
    wait_for(lambda: not set(work.iterdir()) - before, what="the file is gone")


@pytest.mark.parametrize(
    ("method", "path", "token", "status"),
    [
        ("POST", "/api/v1/wordcount/copy/create/", "", 401),
        ("POST", "/api/v1/wordcount/copy/create/", "Token wrong", 401),
        ("PUT", "/api/v1/wordcount/copy/create/", "good", 405),
        ("POST", "/api/v1/nothing/", "good", 413),
    ],
)
def test_who_may_not_send_is_told_before_all_is_sent(
    line: Line, api: Api, method: str, path: str, token: str, status: int
) -> None:
    given = api.headers["Authorization"] if token == "good" else token
    line.send(get(path, "Content-Length: 500000000", f"Authorization: {given}", method=method))
    line.send(bytes(200_000))
    answer = line.answer()
    assert (answer[0], answer[1]["connection"]) == (status, "close")
    assert answer[1]["content-type"] == "application/problem+json"


def test_a_body_that_would_be_refused_at_its_end_is_refused_before(stack: Stack, api: Api) -> None:
    server = Server(stack, PROCESSING_DAILY_UPLOAD_BYTES="30000000")
    authorization = f"Authorization: {api.headers['Authorization']}"
    uploads = "/api/v1/wordcount/copy/upload/"

    def refusal(method: str, path: str, length: str) -> dict[str, Any]:
        binary = "Content-Type: application/octet-stream"
        with contextlib.closing(Line(server)) as line:
            line.send(get(path, length, authorization, binary, method=method))
            line.send(bytes(200_000) if "Length" in length else in_one_chunk(9_000_000))
            return json.loads(line.answer()[2])

    started = api.post("wordcount/copy/upload/", json={"filename": "f", "size": 20_000_000}).json()
    kept = set(stack.work.iterdir())
    try:
        much = "Content-Length: 2000000000"
        gone = refusal("PUT", f"{uploads}{uuid4()}/parts/1/", much)
        assert (gone["status"], "no such upload" in gone["detail"]) == (404, True)
        chunk = f"{uploads}{started['id']}/parts/1/"
        assert "were sent" in refusal("PUT", chunk, much)["detail"]
        assert refusal("PUT", chunk, "Transfer-Encoding: chunked")["code"] == "too_large"
        form = refusal("POST", "/api/v1/wordcount/copy/create/", much)
        assert (form["status"], "allowed in a day" in form["detail"]) == (413, True)
        assert set(stack.work.iterdir()) <= kept
    finally:
        server.stop()


def test_speed_buys_no_long_silence(stack: Stack, api: Api) -> None:
    server = Server(stack, WEB_SLOW_SECONDS="5")
    try:
        with contextlib.closing(Line(server)) as line:
            line.send(upload(api, "Content-Length: 5000000")).send(bytes(2_000_000))
            assert is_problem(line.answer(), 408, "request_timeout")  # else in 104 seconds
    finally:
        server.stop()


@pytest.mark.matrix
def test_a_full_disk_is_said(stack: Stack, api: Api) -> None:
    server = Server(stack, PROCESSING_DISK_RESERVE_BYTES=str(10**18))
    try:
        with contextlib.closing(Line(server)) as line:
            line.send(upload(api, "Content-Length: 5000000")).send(bytes(1_000_000))
            assert is_problem(line.answer(), 507, "disk_full")
    finally:
        server.stop()


def test_a_disk_that_others_fill_meanwhile_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    free = iter([10**9, 10**6, 0])
    monkeypatch.setattr(bridge, "free_bytes", lambda: next(free))
    body = bridge.store(bridge.store(io.BytesIO(), b"first", 100), b"second", 50)
    with body, pytest.raises(bridge.RefusedError) as refused:
        bridge.store(body, b"third", -(10**9))  # of a length that nobody has announced
    assert refused.value.args[:2] == (507, "disk_full")


def in_one_chunk(size: int) -> bytes:
    return b"%x\r\n%s\r\n" % (size, bytes(size))


@pytest.mark.parametrize("path", ["/api/v1/auth/login/", "/api/v1/auth/password/reset/", "/login"])
@pytest.mark.parametrize("length", ["Content-Length: 2000000", "Transfer-Encoding: chunked"])
def test_who_is_not_signed_in_fills_no_disk(
    server: Server, line: Line, path: str, length: str
) -> None:
    """They may call these, but these take no files: 1 MiB is the most that is read."""
    kept = set(server.stack.work.iterdir())
    line.send(get(path, length, "Content-Type: application/json", method="POST"))
    with contextlib.suppress(OSError):
        line.send(bytes(200_000) if "Length" in length else in_one_chunk(300_000) * 5)
    assert is_problem(line.answer(), 413, "too_large")
    assert line.is_closed()
    wait_for(lambda: set(server.stack.work.iterdir()) <= kept, what="nothing is kept")


def test_a_body_that_is_not_announced_may_be_large_where_files_are_taken(
    line: Line, api: Api
) -> None:
    form = b'--x\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'
    chunks = [form, bytes(2_000_000), b"\r\n--x--\r\n"]
    head = upload(
        api, "Transfer-Encoding: chunked", "Content-Type: multipart/form-data; boundary=x"
    )
    line.send(head).send(b"".join(b"%x\r\n%s\r\n" % (len(each), each) for each in chunks))
    assert line.send("0\r\n\r\n").answer()[0] == 201
