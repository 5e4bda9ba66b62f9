"""Ask several outside services at once, and give back what has come when the time is over."""

import asyncio
import time
from typing import Annotated, Any
from weakref import WeakValueDictionary

from django.conf import settings
from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from backend_django.api.throttling import seconds_to_wait
from backend_django.utils.errors import LimitReached, ServiceError
from backend_django.utils.translation import translate

from .callers import CurrentCaller
from .threads import OUTSIDE, in_database

MAX_URLS = 8  # of a call, and of a user at once: others want a thread, too
MAX_BYTES = 64 * 1024  # of each response
MAX_SECONDS = 10
router = APIRouter(prefix="/lookups", tags=["fast"])
_free: WeakValueDictionary[Any, asyncio.Semaphore] = WeakValueDictionary()  # by user
Url = Annotated[str, Field(min_length=8, max_length=2000, pattern=r"^https?://[^\s\x00]+$")]


class LookupOrder(BaseModel):
    """The URLs to ask, and how many seconds all of them have together."""

    model_config = ConfigDict(extra="forbid")

    urls: Annotated[list[Url], Field(min_length=1, max_length=MAX_URLS)]
    seconds: Annotated[float, Field(strict=True, ge=0.1, le=MAX_SECONDS)] = 5.0


class Lookup(BaseModel):
    """A URL's response: `status` and `body`, or else why there is none."""

    url: str
    status: Annotated[int, Field(description="0 without a response.")] = 0
    content_type: str = ""
    body: str = ""
    code: Annotated[str, Field(description="Why there is none: address_refused, deadline, …")] = ""
    detail: str = ""


class Lookups(BaseModel):
    """In the order that was asked."""

    responses: list[Lookup]


@router.post("/", operation_id="fast_lookups_create")
async def create_lookups(order: LookupOrder, caller: CurrentCaller) -> Lookups:
    """GET several URLs at once, of public addresses only, and wait no longer than `seconds`.

    Nothing of the call is passed on: no cookie, no token, no header.
    """
    rate = settings.API_RATES["lookups"]
    if wait := await in_database(seconds_to_wait, "lookups", str(caller.user.pk), rate):
        raise LimitReached(retry_after=wait)
    return Lookups(responses=await look_up(order.urls, order.seconds, user=caller.user.pk))


async def look_up(urls: list[str], seconds: float, *, user: Any) -> list[Lookup]:
    """GET URLs for a user, of whom some at once are called, and give back what has come in time."""
    deadline = time.monotonic() + seconds
    free = _free.setdefault(user, asyncio.Semaphore(MAX_URLS))
    calls = [asyncio.ensure_future(_look_up(url, deadline, free)) for url in urls]
    done, late = await asyncio.wait(calls, timeout=seconds)
    for call in late:  # its thread ends with the deadline too
        call.cancel()
    return [
        call.result() if call in done else _too_late(url)
        for url, call in zip(urls, calls, strict=True)
    ]


def _too_late(url: str) -> Lookup:
    return Lookup(url=url, code="deadline", detail=translate("It did not respond in time."))


async def _look_up(url: str, deadline: float, free: asyncio.Semaphore) -> Lookup:
    loop = asyncio.get_running_loop()
    try:
        async with free:
            return await loop.run_in_executor(OUTSIDE, _get, url, deadline)
    except ServiceError as error:
        return Lookup(url=url, code=error.code, detail=translate(error.message))


def _get(url: str, deadline: float) -> Lookup:
    """Ask one URL, in a thread: with the guard that jobs and webhooks have.

    Raises:
        ServiceError
    """
    from backend_django.utils.http_client import HttpSession  # slow to import, and seldom needed

    left = deadline - time.monotonic()
    if left <= 0:
        return _too_late(url)
    options: dict[str, Any] = {"timeout": left, "headers": {"Accept": "*/*"}}
    with HttpSession(budget_seconds=left, max_bytes=MAX_BYTES, retry=False) as session:
        response = session.get(url, **options)
        kind = response.headers.get("Content-Type", "")[:200]
        try:
            body = response.content.decode(response.encoding or "utf-8", "replace")
        except LookupError:  # there is no such encoding
            body = response.content.decode("utf-8", "replace")
        return Lookup(url=url, status=response.status_code, content_type=kind, body=body)
