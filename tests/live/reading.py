"""A client of the event stream: httpx-sse, as a script of somebody else would use it."""

import asyncio
import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from httpx_sse import ServerSentEvent, SSEError, aconnect_sse

from tests.stack import wait_for


class Reader:
    """Reads a stream in a thread, and keeps what came."""

    def __init__(self, url: str, headers: dict[str, str], path: str = "/api/v1/events/") -> None:
        self.events: list[ServerSentEvent] = []
        self.times: list[float] = []
        self.ended = threading.Event()
        self.retry: int | None = None
        self.status = 0
        self._loop = asyncio.new_event_loop()
        self._task = self._loop.create_task(self._read(url + path, headers))
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            self._loop.run_until_complete(self._task)
        self._loop.close()

    async def _read(self, url: str, headers: dict[str, str]) -> None:
        try:
            async with (
                httpx.AsyncClient(timeout=30) as client,
                aconnect_sse(client, "GET", url, headers=headers) as source,
            ):
                self.status = source.response.status_code
                async for event in source.aiter_sse():
                    self.retry = event.retry or self.retry
                    self.events.append(event)
                    self.times.append(time.monotonic())
        except (httpx.TransportError, SSEError):  # it was closed, or is no stream
            pass
        finally:
            self.ended.set()

    def close(self) -> None:
        if not self.ended.is_set():
            self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join()

    def named(self, name: str) -> list[dict[str, Any]]:
        return [json.loads(each.data) for each in self.events if each.event == name]

    def of_request(self, request_id: str) -> list[dict[str, Any]]:
        return [each for each in self.named("request.changed") if each["id"] == request_id]

    def wait(self, look: Callable[["Reader"], Any], *, seconds: float = 20, what: str = "") -> Any:
        def told() -> str:
            return f"{what}; came: {[(each.event, each.data) for each in self.events][-20:]}"

        try:
            return wait_for(lambda: look(self), seconds=seconds)
        except AssertionError:
            raise AssertionError(told()) from None

    @property
    def last_id(self) -> str:
        return next(each.id for each in reversed(self.events) if each.id)


@contextmanager
def reading(
    url: str, headers: dict[str, str], last_event_id: str = "", **options: Any
) -> Iterator[Reader]:
    """A stream that is open, and has said how things are."""
    given = {"Last-Event-ID": last_event_id} if last_event_id else {}
    reader = Reader(url, headers | given, **options)
    try:
        reader.wait(lambda r: r.named("stream.state") or r.ended.is_set(), what="no stream")
        yield reader
    finally:
        reader.close()
