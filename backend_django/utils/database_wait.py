"""Limit the wait for the database, and what a web request waits for all servers together.

`statement_timeout` is the server's own: it does not help when the server hangs, or when the network
swallows what is sent. A web request has a budget that all its statements share. Workers limit each
statement. Commands wait as long as it takes, because migrations and backups do.
"""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

# How much longer than for the database a web request may wait for all servers together. Each has a
# budget of its own; three that hang at once must not add up to more than a client's patience.
OTHERS_SECONDS = 1.0
AFTERWARDS_SECONDS = 0.5  # of it are for the database: what the storage did not do is written down


@dataclass
class Limit:
    """Seconds to wait: for each statement, or for all of them together.

    storage_seconds: to wait for the storage, all in all, where it is elsewhere.
    total_seconds: to wait for database, storage and broker together, where the limit is shared.
    """

    seconds: float
    shared: bool = False
    storage_seconds: float = 3.0
    total_seconds: float = math.inf

    def database_left(self) -> float:
        return min(self.seconds, self.total_seconds)

    def storage_left(self) -> float:
        return min(self.storage_seconds, self.total_seconds - AFTERWARDS_SECONDS)

    @contextmanager
    def spend(self) -> Iterator[None]:
        """Deduct the time that passes inside, if the limit is shared."""
        began = time.monotonic()
        try:
            yield
        finally:
            if self.shared:
                waited = time.monotonic() - began
                self.seconds -= waited
                self.total_seconds -= waited

    def spend_on_storage(self, seconds: float) -> None:
        self.storage_seconds -= seconds
        self.total_seconds -= seconds


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
    """Return whether somebody waits for the answer."""
    return web_limit() is not None


def limit_process(seconds: float) -> None:
    """Limit each statement of this process, where nothing else is in force."""
    global _process_limit
    _process_limit = Limit(seconds)


def database_is_away() -> bool:
    """Return whether our own connection is broken, not one that a feature has opened."""
    try:
        if connection.connection is not None:
            return not connection.is_usable()
        connection.ensure_connection()
    except (OperationalError, InterfaceError):
        return True
    return False


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
    """Limit all statements inside together, and the wait for other servers with them."""
    yield from _in_force(Limit(seconds, shared=True, total_seconds=seconds + OTHERS_SECONDS))


class DatabaseBudgetMiddleware:
    """Give each request its budget."""

    def __init__(self, get_response: Callable[[Any], Any]) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> Any:
        with database_budget(settings.DATABASE_REQUEST_SECONDS):
            return self.get_response(request)
