"""Limit the wait for the database.

`statement_timeout` is the server's own: it does not help when the server hangs, or when the network
swallows what is sent. A web request has a budget that all its statements share. Workers limit each
statement. Commands wait as long as it takes, because migrations and backups do.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from django.conf import settings


@dataclass
class Limit:
    """Seconds to wait: for each statement, or for all of them together.

    storage_seconds: to wait for the storage, all in all, where it is elsewhere.
    """

    seconds: float
    shared: bool = False
    storage_seconds: float = 3.0

    @contextmanager
    def spend(self) -> Iterator[None]:
        """Deduct the time that passes inside, if the limit is shared."""
        began = time.monotonic()
        try:
            yield
        finally:
            if self.shared:
                self.seconds -= time.monotonic() - began


_limit: ContextVar[Limit | None] = ContextVar("database_limit", default=None)
_process_limit: Limit | None = None


def current_limit() -> Limit | None:
    """Return the limit in force; None means as long as it takes."""
    return _limit.get() or _process_limit


def web_limit() -> Limit | None:
    """Return the limit of the present web request; None outside of one."""
    limit = _limit.get()
    return limit if limit is not None and limit.shared else None


def in_web_request() -> bool:
    """Whether somebody waits for the answer."""
    return web_limit() is not None


def limit_process(seconds: float) -> None:
    """Limit each statement of this process, where nothing else is in force."""
    global _process_limit
    _process_limit = Limit(seconds)


@contextmanager
def statement_limit(seconds: float) -> Iterator[None]:
    """Limit each statement inside: for a job whose queries take longer than most."""
    yield from _in_force(Limit(seconds))


def _in_force(limit: Limit) -> Iterator[None]:
    token = _limit.set(limit)
    try:
        yield
    finally:
        _limit.reset(token)


@contextmanager
def database_budget(seconds: float) -> Iterator[None]:
    """Limit all statements inside together."""
    yield from _in_force(Limit(seconds, shared=True))


class DatabaseBudgetMiddleware:
    """Give each request its budget."""

    def __init__(self, get_response: Callable[[Any], Any]) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> Any:
        with database_budget(settings.DATABASE_REQUEST_SECONDS):
            return self.get_response(request)
