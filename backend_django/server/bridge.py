"""Run Django's WSGI application behind an event loop: whole requests in, responses out.

A thread is taken when the body has arrived, and given back when the response is there or, for a
large one, between two of its pieces. The slowest client holds a connection and no thread.
"""

import asyncio
import contextlib
import io
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from http import HTTPStatus
from math import inf
from typing import IO, Any, TypeVar
from urllib.parse import unquote_to_bytes, urlsplit

from django.conf import settings

from backend_django.api.heads import ASKED, MOST
from backend_django.files.storage import free_bytes
from backend_django.files.temporary import temporary_upload
from backend_django.live.api.responses import EventStreamResponse
from backend_django.live.hub import Hub
from backend_django.utils.probes import INSIDE

from . import limits
from .connections import TOO_SLOW, problem
from .metrics import count_request
from .threads import Threads

T = TypeVar("T")
Scope = dict[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

ALIVE = "/health/live"
DISK_FULL = "The server has not enough disk space for this. Try again later."


class RefusedError(Exception):
    """A request that Django never sees: status, code and sentence."""


class AnsweredError(Exception):
    """Django has responded to the head alone; the argument is its response."""


class Bridge:
    """An ASGI application around a WSGI one, with `threads` threads.

    /health/live has a thread of its own: it is answered while all others wait for a database.
    """

    def __init__(self, wsgi: Callable[..., Iterable[bytes]], *, threads: int) -> None:
        self.wsgi = wsgi
        self.threads = Threads(threads, "web")
        self.alive = ThreadPoolExecutor(1, "alive")
        self.disk = ThreadPoolExecutor(2, "disk")
        self.hub = Hub()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await send({"type": "websocket.close"})
            return None
        began = time.perf_counter()
        try:
            body, length = await self.receive_body(scope, receive)
            began = time.perf_counter()
            environ = make_environ(scope, body, length)
            pool = self.alive if environ["PATH_INFO"] == ALIVE else self.threads
            response = await self.in_thread(pool, self.call, environ)
        except RefusedError as error:
            headers, content = problem(*error.args)
            response = Response.of(error.args[0], headers, content)
        except AnsweredError as error:
            (response,) = error.args
        except Exception:  # gunicorn logs it, and responds
            count_request(scope["method"], 500, time.perf_counter() - began)
            raise
        else:
            count_request(scope["method"], response.status, time.perf_counter() - began)
            return await self.send_response(scope, send, response)
        count_request(scope["method"], response.status, time.perf_counter() - began)
        response.headers.append(("Connection", "close"))
        await self.send_response(scope, send, response)
        await drain(receive)
        return None

    # The request

    async def receive_body(self, scope: Scope, receive: Receive) -> tuple[IO[bytes], int]:
        """Return the whole body, in memory or in a file of the work directory, and its length."""
        headers = dict(scope["headers"])
        announced = int(headers.get(b"content-length", b"0"))
        if not announced and b"transfer-encoding" not in headers:
            return io.BytesIO(), 0
        largest = settings.PROCESSING_MAX_UPLOAD_BYTES + settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        check_size(announced, largest)
        body: IO[bytes] = io.BytesIO()
        pending, length, more = bytearray(), 0, True
        try:
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":  # it is gone, or nothing came for long
                    raise RefusedError(408, "request_timeout", TOO_SLOW)
                pending += message.get("body", b"")
                more = message.get("more_body", False)
                if more and len(pending) <= limits.MEMORY_BYTES:
                    continue
                length += len(pending)
                check_size(length, largest)
                if length <= limits.MEMORY_BYTES:
                    body.write(pending)
                else:
                    if isinstance(body, io.BytesIO):
                        largest = min(largest, await self.check_head(scope, announced))
                        check_size(max(length, announced), largest)
                    body = await self.on_disk(store, body, bytes(pending), announced - length)
                pending.clear()
        except BaseException:
            body.close()
            raise
        body.seek(0)
        return body, length

    async def check_head(self, scope: Scope, announced: int) -> float:
        """Ask Django how large a body this caller may send there, before it is kept.

        Raises:
            AnsweredError: none; it has the response.
        """
        environ = make_environ(scope, io.BytesIO(), 0) | {"CONTENT_LENGTH": "0", ASKED: announced}
        response = await self.in_thread(self.threads, self.call, environ)
        if response.status != HTTPStatus.CONTINUE:
            raise AnsweredError(response)
        return float(dict(response.headers).get(MOST, inf))

    async def on_disk(self, function: Callable[..., T], *arguments: Any) -> T:
        """Call a function that reads or writes files, without holding up the loop."""
        return await asyncio.get_running_loop().run_in_executor(self.disk, function, *arguments)

    # The call

    async def in_thread(
        self, pool: ThreadPoolExecutor | Threads, function: Callable[..., T], *arguments: Any
    ) -> T:
        """Call a function in a thread.

        Raises:
            RefusedError: none was free for too long.
        """
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        future: Future[T] = pool.submit(function, *arguments)
        patience = loop.call_later(limits.QUEUE_SECONDS, future.cancel)  # nothing once it runs
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            if future.cancelled() and task and not task.cancelling():
                sentence = "The server is busy. Try again in a moment."
                raise RefusedError(503, "busy", sentence) from None
            future.add_done_callback(close_result)  # the client is gone
            raise
        finally:
            patience.cancel()

    def call(self, environ: dict[str, Any]) -> "Response":
        """Have Django respond; read the response as far as it is small."""
        with environ["wsgi.input"]:
            began: list[Any] = []

            def start_response(status: str, headers: list[tuple[str, str]], _: Any = None) -> None:
                began[:] = status, headers

            result = self.wsgi(environ, start_response)
            response = Response(int(began[0].split(" ", 1)[0]), began[1], result)
            if isinstance(result, EventStreamResponse):
                response.close()  # the call is over, the stream begins
            else:
                response.read_more()
            return response

    # The response

    async def send_response(self, scope: Scope, send: Send, response: "Response") -> None:
        """Send a response at the pace of its client."""
        if isinstance(response.result, EventStreamResponse):
            return await self.send_stream(scope, send, response)
        is_bare = scope["method"] == "HEAD" or response.status in (204, 304)
        try:
            await send(response.start())
            while not (response.ended or is_bare):
                piece = {"type": "http.response.body", "body": response.piece, "more_body": True}
                await send(piece)
                # As long as it takes: what has begun cannot be refused any more.
                future = self.threads.submit(response.read_more)
                await asyncio.wrap_future(future)
            last = b"" if is_bare else response.piece
            await send({"type": "http.response.body", "body": last})
        finally:
            if not response.ended:
                self.threads.submit(response.close)
        return None

    async def send_stream(self, scope: Scope, send: Send, response: "Response") -> None:
        """Send events as they come, without a thread, until either side has enough."""
        scope["connection"].begin_stream(response.result.user_id)
        async with contextlib.aclosing(response.result.open_stream(self.hub)) as frames:
            await send(response.start())
            if scope["method"] != "HEAD":
                async for frame in frames:
                    await send({"type": "http.response.body", "body": frame, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


async def drain(receive: Receive) -> None:
    """Read a little of what is still sent.

    A connection that is closed before is reset, and the client would not see the response.
    """
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(limits.LINGER_SECONDS):
            while (await receive()).get("more_body"):
                pass


def close_result(future: "Future[Any]") -> None:
    """Close a response that nobody waits for any more."""
    if not future.cancelled() and not future.exception() and isinstance(future.result(), Response):
        future.result().close()


def check_size(size: int, largest: float) -> None:
    """Refuse a body that is too large."""
    if size > largest:
        raise RefusedError(413, "too_large", f"The body is larger than {largest:.0f} bytes.")


def store(body: IO[bytes], data: bytes, more: int) -> IO[bytes]:
    """Append to a body, which moves from memory to a file; return it.

    Raises:
        RefusedError: the disk has no space for it, and for `more` bytes that will follow.
    """
    if free_bytes() < len(data) + max(0, more):  # each time: others fill the disk meanwhile
        raise RefusedError(507, "disk_full", DISK_FULL)
    if isinstance(body, io.BytesIO):
        file = temporary_upload()
        file.write(body.getvalue())
        body = file
    body.write(data)
    return body


class Response:
    """Django's response: send `piece`, and more follows until it has `ended`."""

    def __init__(self, status: int, headers: list[tuple[str, str]], result: Any) -> None:
        self.status, self.headers, self.result = status, headers, result
        self.piece, self.ended = b"", False
        self.pieces: Iterator[bytes] | None = (
            None if isinstance(result, WrappedFile) else iter(result)
        )
        self._lock = threading.Lock()  # a client may go away while a piece is read

    @classmethod
    def of(cls, status: int, headers: dict[str, str], content: bytes) -> "Response":
        """Return a response that Django has no part in."""
        response = cls(status, list(headers.items()), [])
        response.piece, response.ended = content, True
        return response

    def start(self) -> Message:
        """Return status and headers as they are sent."""
        headers = [(n.encode("latin-1"), v.encode("latin-1")) for n, v in self.headers]
        return {"type": "http.response.start", "status": self.status, "headers": headers}

    def read_more(self) -> None:
        """Read the next piece, in a thread; close the response after the last one."""
        with self._lock:
            ended = True
            try:
                if self.pieces is None:
                    self.piece = self.result.file.read(limits.CHUNK_BYTES)
                    ended = len(self.piece) < limits.CHUNK_BYTES
                elif getattr(self.result, "streaming", True):
                    self.piece = next(self.pieces, b"")
                    ended = not self.piece
                else:
                    self.piece = b"".join(self.pieces)
            finally:
                if ended:
                    self._close()

    def close(self) -> None:
        with self._lock:
            self._close()

    def _close(self) -> None:
        if not self.ended:
            self.ended = True
            getattr(self.result, "close", lambda: None)()


class WrappedFile:
    """The wrapper in which Django hands over a file (`wsgi.file_wrapper`) with its `close`."""

    def __init__(self, file: IO[bytes], _block_size: int = 0) -> None:
        self.file = file

    def close(self) -> None:
        self.file.close()


@lru_cache(1024)
def header_key(name: bytes) -> str:
    key = name.decode("latin-1").upper().replace("-", "_")
    return key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"


def make_environ(scope: Scope, body: IO[bytes], length: int) -> dict[str, Any]:
    """Return WSGI's view of a request whose body is there."""
    target = scope["raw_path"]
    if not target.startswith(b"/"):  # the form in which a proxy is asked
        try:
            target = urlsplit(target).path or b"/"
        except ValueError as error:
            raise RefusedError(400, "bad_request", "The address is not valid.") from error
    if b"%" in target:
        target = unquote_to_bytes(target)
    server, client = scope["server"] or ("", 0), scope["client"] or ("", 0)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": target.decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1]),
        "REMOTE_ADDR": client[0],
        "REMOTE_PORT": str(client[1]),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": body,
        "wsgi.errors": sys.stderr,
        "wsgi.file_wrapper": WrappedFile,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    if limits.METRICS_PORT and str(server[1]) == limits.METRICS_PORT:
        if environ["PATH_INFO"].rstrip("/") != "/metrics":
            raise RefusedError(404, "not_found", "This port has /metrics and nothing else.")
        environ |= {INSIDE: True, "wsgi.url_scheme": "https"}  # nobody is led to another port
    for name, value in scope["headers"]:
        key, text = header_key(name), value.decode("latin-1")
        environ[key] = f"{environ[key]},{text}" if key in environ else text
    if environ.pop("HTTP_TRANSFER_ENCODING", None) or length:
        environ["CONTENT_LENGTH"] = str(length)
    return environ
