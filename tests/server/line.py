"""A connection whose requests are written by hand, well formed or not."""

import json
import socket

from tests.server.conftest import Server

VERSION = "/api/v1/version-info/"


class Line:
    """One connection; answers are read as they are framed."""

    def __init__(self, server: Server) -> None:
        self.socket = socket.create_connection(("127.0.0.1", server.port), 20)
        self.file = self.socket.makefile("rb")

    def send(self, text: str | bytes) -> "Line":
        self.socket.sendall(text.encode() if isinstance(text, str) else text)
        return self

    def answer(self, *, body: bool = True) -> tuple[int, dict[str, str], bytes]:
        status = int(self.file.readline().split()[1])
        headers = {}
        while (line := self.file.readline().decode().strip()) != "":
            name, _, value = line.partition(": ")
            headers[name.lower()] = value
        content = b""
        if body and "content-length" in headers:
            content = self.file.read(int(headers["content-length"]))
        return status, headers, content

    def is_closed(self) -> bool:
        return self.file.read(1) == b""

    def close(self) -> None:
        self.file.close()
        self.socket.close()


def get(path: str, *headers: str, method: str = "GET") -> str:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *headers, "", ""])


def is_problem(answer: tuple[int, dict[str, str], bytes], status: int, code: str) -> bool:
    document = json.loads(answer[2])
    assert answer[1]["content-type"] == "application/problem+json"
    assert answer[1]["x-request-id"] == document["trace_id"]
    assert (answer[0], document["status"], document["code"]) == (status, status, code)
    return True


def sign_in(length: str, body: bytes) -> bytes:
    head = get("/api/v1/auth/login/", "Content-Type: application/json", length, method="POST")
    return head.encode() + body


WRONG = json.dumps({"email": "nobody@example.org", "password": "x" * 200}).encode()
