"""Threads for code that would hold up the event loop: the database, arithmetic, outside calls."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import close_old_connections

from backend_django.utils.database_wait import database_budget

from .errors import ProblemError

P = ParamSpec("P")
T = TypeVar("T")
QUEUE_SECONDS = 10
THREADS: int = settings.FASTAPI_THREADS  # type: ignore[misc]
DATABASE = ThreadPoolExecutor(THREADS, "database")
ARITHMETIC = ThreadPoolExecutor(settings.FASTAPI_SUMMARIES, "arithmetic")  # type: ignore[misc]
OUTSIDE = ThreadPoolExecutor(settings.FASTAPI_LOOKUPS, "outside")  # type: ignore[misc]
# A test's, whose transaction other threads do not see.
one_thread = False

_free = asyncio.Semaphore(THREADS)


async def in_database(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a function that uses Django's database, in a thread, with a request's budget.

    Raises:
        ProblemError: no thread was free for too long.
    """

    def call() -> T:
        tidy_connections()
        try:
            with database_budget(settings.DATABASE_REQUEST_SECONDS):
                return function(*args, **kwargs)
        finally:
            tidy_connections()

    return await in_free_thread(call)


def tidy_connections() -> None:
    """Close the connection of this thread when it is broken, or has been open for long enough."""
    if not one_thread:
        close_old_connections()


async def in_free_thread(function: Callable[[], T]) -> T:
    """Call a function in a thread for the database; it sees to its connection itself.

    Raises:
        ProblemError: no thread was free for too long.
    """
    if one_thread:
        return await sync_to_async(function, thread_sensitive=True)()
    try:
        async with asyncio.timeout(QUEUE_SECONDS):
            await _free.acquire()
    except TimeoutError as error:
        raise ProblemError(503, "busy", "The server is busy. Try again in a moment.") from error
    try:
        return await sync_to_async(function, thread_sensitive=False, executor=DATABASE)()
    finally:
        _free.release()


async def in_arithmetic(function: Callable[[], T]) -> T:
    """Call a function that computes, in one of a few threads."""
    return await sync_to_async(function, thread_sensitive=False, executor=ARITHMETIC)()
