"""A response of JSON lines, which come as they are made until one side has enough."""

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Callable
from enum import StrEnum
from typing import Any, ClassVar

from starlette.responses import Response

from . import threads
from .errors import respond, server_error

logger = logging.getLogger(__name__)
CONTENT_TYPE = "application/x-ndjson"


class Why(StrEnum):
    """The reason why a stream ended early."""

    GONE = "gone"  # nobody reads it
    DEADLINE = "deadline"  # it took too long
    STOPPED = "stopped"  # this process stops, or has failed


class JsonLines(Response):
    """Send each event as a line.

    Args:
        events: what to send; may raise.
        seconds: for all of it, whoever is slow.
        on_break: called in a thread when it ends before it is over.
    """

    under_way: ClassVar[set["JsonLines"]] = set()

    def __init__(
        self,
        events: AsyncIterator[dict[str, Any]],
        *,
        seconds: float,
        on_break: Callable[[Why], None] = lambda why: None,
    ) -> None:
        # nginx passes on what comes as it comes
        super().__init__(headers={"X-Accel-Buffering": "no"}, media_type=CONTENT_TYPE)
        del self.headers["content-length"]
        self.events, self.seconds, self.on_break = events, seconds, on_break
        self.has_failed = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        sending = asyncio.ensure_future(self._send_events(start, send))
        leaving = asyncio.ensure_future(_until_gone(receive))
        why: Why | None = Why.STOPPED
        self.under_way.add(self)
        try:
            done, _waiting = await asyncio.wait(
                {sending, leaving}, timeout=self.seconds, return_when=asyncio.FIRST_COMPLETED
            )
            why = None if sending in done else Why.GONE if leaving in done else Why.DEADLINE
        finally:
            for task in (sending, leaving):
                task.cancel()
            await asyncio.gather(sending, leaving, return_exceptions=True)
            if self.has_failed:
                why = Why.STOPPED  # a fault of ours: a worker does it
            elif why is None and (sending.cancelled() or sending.exception()):
                why = Why.GONE
            if why:
                # Without waiting for it: this task may be on its way out.
                threads.DATABASE.submit(self._tell, why)
            self.under_way.discard(self)
        if why == Why.DEADLINE:
            with contextlib.suppress(Exception):
                async with asyncio.timeout(1):
                    await send(_body({"event": "error", "code": "time_limit"}))
                    await send({"type": "http.response.body", "body": b""})

    async def _send_events(self, start: Any, send: Any) -> None:
        await send(start)
        async with contextlib.aclosing(self.events) as events:  # type: ignore[type-var]
            try:
                async for event in events:
                    await send(_body(event))
            except OSError:
                raise  # the client is gone
            except Exception as error:
                self.has_failed = True
                if (made := respond(error)) is None:
                    logger.exception("a stream has failed")
                    made = server_error()
                await send(_body({"event": "error", **json.loads(made.content)}))
        await send({"type": "http.response.body", "body": b""})

    def _tell(self, why: Why) -> None:
        try:
            self.on_break(why)
        except Exception:  # its lease ends without us
            logger.exception("the end of a stream (%s) was not written down", why)


async def finish_streams(seconds: float) -> None:
    """Wait until the streams that are cancelled, as this process stops, have told how they ended.

    uvicorn ends the process as soon as the application says that it has shut down.
    """
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while JsonLines.under_way:
                await asyncio.sleep(0.05)
            await asyncio.to_thread(threads.DATABASE.shutdown)


async def _until_gone(receive: Any) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _body(event: dict[str, Any]) -> dict[str, Any]:
    line = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
    return {"type": "http.response.body", "body": line, "more_body": True}
