"""Give every connection limits of time: for its request, and for taking the response.

gunicorn's ASGI protocol reads without a thread but waits for ever. Here every connection that is
sending a request stands in a table that is looked through once a second.
"""

import fcntl
import json
import socket
import struct
import termios
import time
from collections.abc import Iterable
from typing import Any
from uuid import uuid4

from gunicorn.asgi.protocol import ASGIProtocol

from . import limits

STREAM_BUFFER = 16 * 1024  # bytes of events on their way, here and in the kernel
SETTLE_SECONDS = 2  # before this, nobody's rate says anything


class Table:
    """The connections of a process, and which of them it waits for."""

    def __init__(self, *, per_address: int, in_all: int, at_most: int) -> None:
        self.per_address, self.in_all, self.at_most = per_address, in_all, at_most
        self.all: set[Connection] = set()
        self.sending: set[Connection] = set()
        self.by_address: dict[str, set[Connection]] = {}
        self.idle: dict[Connection, None] = {}  # between two requests, the longest first
        self.reading: set[Connection] = set()  # slower than we write
        self.streams: dict[Any, dict[Connection, None]] = {}  # of each user, the oldest first

    def add_sender(self, connection: "Connection") -> None:
        """Count a connection that has begun to send; close the slowest if it is one too many."""
        mine = self.by_address.setdefault(connection.address, set())
        self.sending.add(connection)
        mine.add(connection)
        if self.per_address and len(mine) > self.per_address:
            slowest(mine).refuse(429, "too_many_connections", TOO_MANY)
        elif len(self.sending) > self.in_all:
            slowest(self.sending).refuse(503, "busy", TOO_MANY)

    def remove_sender(self, connection: "Connection") -> None:
        self.sending.discard(connection)
        mine = self.by_address.get(connection.address)
        if mine is not None:
            mine.discard(connection)
            if not mine:
                del self.by_address[connection.address]

    def sweep(self) -> None:
        """Close whom nothing is worth waiting for."""
        now = time.monotonic()
        for connection in [each for each in self.sending if each.sends_too_slowly(now)]:
            connection.refuse(408, "request_timeout", TOO_SLOW)
        for connection in [each for each in self.reading if each.reads_too_slowly(now)]:
            connection.abort()

    def make_room(self) -> bool:
        """Return whether there is room for one more, closing another one if need be.

        One that is idle, or an event stream of the user who has the most: whoever lost one comes
        back, and nobody can keep others out by opening many.
        """
        if len(self.all) <= self.at_most:
            return True
        if self.idle:
            longest = next(iter(self.idle))
            del self.idle[longest]
        elif self.streams:
            user = max(self.streams, key=lambda each: len(self.streams[each]))
            longest = next(iter(self.streams[user]))
            self.remove_stream(longest)
        else:
            return False
        longest.abort()
        return True

    def remove_stream(self, connection: "Connection") -> None:
        of_user = self.streams.get(connection.streams_to, {})
        of_user.pop(connection, None)
        if not of_user:
            self.streams.pop(connection.streams_to, None)

    def close_idle(self) -> None:
        """Close the connections that wait for nothing, as the process is about to stop."""
        for connection in list(self.idle):
            connection.close()


TOO_SLOW = "The request did not arrive in time. Try again on a better line."
TOO_MANY = "Too many requests were being sent at once, this one the slowest. Try again in a moment."


def slowest(connections: Iterable["Connection"]) -> "Connection":
    """Return the one that has sent the least for its time."""
    now = time.monotonic()
    return min(connections, key=lambda each: each.worth(now))


class Connection(ASGIProtocol):
    """A connection of gunicorn's, with limits of time."""

    worker: Any
    transport: Any
    address = ""
    streams_to: Any = None  # the user
    _began = 0.0  # to send: the head, then the body
    _in_body = False
    _received = 0
    _deadline = 0.0  # of a body; what arrives moves it
    _answering = False
    _stalled = (0.0, 0)  # since when, and with how much unsent

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        table: Table = self.worker.table
        table.all.add(self)
        self.address = (transport.get_extra_info("peername") or ("",))[0]
        if table.make_room():
            self._begin(in_body=False)
        else:
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        table: Table = self.worker.table
        table.all.discard(self)
        table.idle.pop(self, None)
        table.reading.discard(self)
        table.remove_sender(self)
        table.remove_stream(self)
        super().connection_lost(exc)

    # The request

    def data_received(self, data: bytes) -> None:
        if self in self.worker.table.idle:
            self._cancel_keepalive_timer()
            self._answering = False
            self._begin(in_body=False)
        self._received += len(data)
        if self._in_body:
            latest = time.monotonic() + max(limits.SLOW_SECONDS, limits.RATE_GRACE_SECONDS)
            self._deadline = min(self._deadline + len(data) / limits.MIN_RATE, latest)
        super().data_received(data)

    def _feed_callback_parser(self, data: bytes) -> bool:
        try:
            return bool(super()._feed_callback_parser(data))
        except ValueError:  # a length of 5,000 digits is no integer
            self._send_error_response(400, "")
            self.close()
            return False

    def _begin(self, *, in_body: bool) -> None:
        self._began, self._in_body, self._received = time.monotonic(), in_body, 0
        self._deadline = self._began + limits.RATE_GRACE_SECONDS
        self.worker.table.add_sender(self)

    def _on_headers_complete(self) -> bool:
        self._answering = False
        skip = super()._on_headers_complete()
        self._begin(in_body=True)
        return bool(skip)

    def _on_message_complete(self) -> None:
        super()._on_message_complete()
        self.worker.table.remove_sender(self)

    def _arm_keepalive_timer(self) -> None:
        super()._arm_keepalive_timer()
        self.worker.table.idle[self] = None

    def _cancel_keepalive_timer(self) -> None:
        super()._cancel_keepalive_timer()
        self.worker.table.idle.pop(self, None)

    def worth(self, now: float) -> tuple[int, float]:
        """Return what to compare senders by: slow ones, those who have just begun, fast ones."""
        age = now - self._began
        if self._received > limits.MIN_RATE * max(age, 1):
            return 2, self._received / max(age, 1)
        return (1, -age) if age < SETTLE_SECONDS else (0, self._received / age)

    def sends_too_slowly(self, now: float) -> bool:
        if self._reading_paused:  # the server is what is slow
            return False
        return now > (self._deadline if self._in_body else self._began + limits.HEAD_SECONDS)

    # The answer

    def _build_http_scope(self, *args: Any) -> dict[str, Any]:
        return {**super()._build_http_scope(*args), "connection": self}

    def begin_stream(self, user_id: Any) -> None:
        """Note that the response will not end, and keep little for a client that is slow."""
        self.streams_to = user_id
        self.worker.table.streams.setdefault(user_id, {})[self] = None
        self.transport.set_write_buffer_limits(high=STREAM_BUFFER)
        sock = self.transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, STREAM_BUFFER)

    def _send_response_start(self, *args: Any, **options: Any) -> None:
        self._answering = True
        super()._send_response_start(*args, **options)

    def _will_close(self, request: Any, response_requires_close: bool) -> bool:
        # HTTP/1.0 has no chunks: what has no length ends with its connection.
        is_old = request.version < (1, 1)
        return is_old or bool(super()._will_close(request, response_requires_close))

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch_reader()

    def resume_writing(self) -> None:
        super().resume_writing()
        self.worker.table.reading.discard(self)

    def _close_transport(self) -> None:
        super()._close_transport()
        if self.transport.get_write_buffer_size():
            self._watch_reader()

    def _watch_reader(self) -> None:
        self._stalled = time.monotonic(), self._unsent()
        self.worker.table.reading.add(self)

    def _unsent(self) -> int:
        """Return the bytes that the client has not taken: ours and the kernel's."""
        sock = self.transport.get_extra_info("socket")
        try:
            (queued,) = struct.unpack("i", fcntl.ioctl(sock, termios.TIOCOUTQ, b"\0" * 4))
        except (OSError, ValueError):  # it is closed
            queued = 0
        return int(self.transport.get_write_buffer_size() + queued)

    def reads_too_slowly(self, now: float) -> bool:
        since, unsent = self._stalled
        taken = max(0, unsent - self._unsent())
        return now > since + limits.RATE_GRACE_SECONDS + taken / limits.MIN_RATE

    # The end

    def refuse(self, status: int, code: str, sentence: str) -> None:
        """Answer with a problem, if nothing was answered yet, and close."""
        if not self._answering:
            self._write_problem(status, code, sentence)
        self.close()

    def close(self) -> None:
        self._close_transport()
        self.worker.table.remove_sender(self)
        self._request_ready.set()  # so that gunicorn's loop over the requests ends

    def abort(self) -> None:
        self.transport.abort()
        self.close()

    def _send_error_response(self, status: int, message: str, extra_headers: Any = ()) -> None:
        """Answer what is no request: in the format of all our errors, and echoing nothing."""
        self._write_problem(status, *REFUSALS.get(status, REFUSALS[400]))

    def _write_problem(self, status: int, code: str, sentence: str) -> None:
        self._answering = True
        self._safe_write(problem_message(status, code, sentence))


REFUSALS = {
    400: ("bad_request", "The request could not be understood."),
    414: ("uri_too_long", "The address is too long."),
    431: (
        "headers_too_large",
        "There are too many headers, or one is too long.",
    ),
    500: ("server_error", "Something went wrong on our side."),
    501: ("not_implemented", "The transfer coding of the request is not known here."),
}


def problem_message(status: int, code: str, sentence: str) -> bytes:
    """Return the whole response to what does not get as far as Django."""
    headers, content = problem(status, code, sentence)
    lines = [f"HTTP/1.1 {status} {json.loads(content)['title']}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + content


def problem(status: int, code: str, sentence: str) -> tuple[dict[str, str], bytes]:
    """Return headers and content of a problem document from outside Django."""
    from backend_django.api import problems
    from backend_django.utils.trace_id import HEADER, trace_id

    token = trace_id.set(uuid4().hex)
    try:
        content = json.dumps(problems.problem(status, code, sentence)).encode()
        headers = {
            "Content-Type": problems.CONTENT_TYPE,
            "Content-Length": str(len(content)),
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            HEADER: trace_id.get(),
        }
        return headers | ({"Retry-After": "5"} if status in (429, 503) else {}), content
    finally:
        trace_id.reset(token)
