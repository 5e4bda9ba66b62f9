"""A response that a server with an event loop keeps open without a thread."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from functools import cache
from threading import Thread
from typing import Any

from django.http import StreamingHttpResponse

from ..hub import Hub

OpenStream = Callable[[Hub], AsyncIterator[bytes]]


class EventStreamResponse(StreamingHttpResponse):
    """An open event stream. `open_stream` gives its events, in the event loop of the hub.

    `backend_django/server` runs it in its own loop. Any other WSGI server, that of `make dev` for
    instance, reads it as any response, with a thread for each.
    """

    def __init__(self, user_id: Any, open_stream: OpenStream) -> None:
        self.user_id, self.open_stream = user_id, open_stream
        super().__init__(
            _in_this_thread(open_stream),
            content_type="text/event-stream",
            headers={
                "Cache-Control": "private, no-store",
                "X-Accel-Buffering": "no",  # nginx passes on what comes as it comes
            },
        )


@cache
def _background() -> tuple[Hub, asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    Thread(target=loop.run_forever, name="live", daemon=True).start()
    return Hub(), loop


def _in_this_thread(open_stream: OpenStream) -> Iterator[bytes]:
    hub, loop = _background()
    frames = open_stream(hub)
    end = object()
    try:
        while True:
            waiting = asyncio.run_coroutine_threadsafe(anext(frames, end), loop)
            frame = waiting.result()
            if frame is end:
                return
            yield frame  # type: ignore[misc]
    finally:
        asyncio.run_coroutine_threadsafe(frames.aclose(), loop)  # type: ignore[attr-defined]
