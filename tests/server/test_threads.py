"""A thread makes call after call; another is woken when that helps, and never too many."""

import asyncio
import threading
import weakref
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import CancelledError, Future
from typing import Any, TypeVar

import pytest

from backend_django.server import threads as module
from backend_django.server.threads import Load, Threads

T = TypeVar("T")
PATIENCE = 30.0  # seconds; longer than any test waits


def busy() -> bool:
    return True


def idle() -> bool:
    return False


async def done(calls: list[Future[T]]) -> list[T]:
    return await asyncio.gather(*map(asyncio.wrap_future, calls))


def run(function: Callable[[], Awaitable[T]]) -> T:
    async def limited() -> T:
        async with asyncio.timeout(PATIENCE):
            return await function()

    return asyncio.run(limited())


@pytest.fixture
def end() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def test_short_calls_of_a_busy_process_have_one_thread() -> None:
    threads = Threads(8, "test", long_seconds=PATIENCE, is_busy=busy)

    async def ask() -> list[int]:
        return await done([threads.submit(threading.get_ident) for _ in range(200)])

    used = run(ask)
    assert len(used) == 200
    assert len(set(used)) == 1


def test_calls_of_a_process_that_waits_have_a_thread_each() -> None:
    threads, all_there = (
        Threads(8, "test", long_seconds=PATIENCE, is_busy=idle),
        threading.Barrier(8),
    )

    async def ask() -> list[int]:
        return await done([threads.submit(all_there.wait, PATIENCE) for _ in range(8)])

    assert sorted(run(ask)) == list(range(8))


def test_another_thread_is_woken_beside_a_long_call(end: threading.Event) -> None:
    threads = Threads(2, "test", long_seconds=0.01, is_busy=busy)

    async def ask() -> list[int]:
        long = threads.submit(end.wait, PATIENCE)
        used = await done([threads.submit(threading.get_ident) for _ in range(20)])
        assert not long.done()
        # It has been long for all the longer: nobody waits for it any more.
        used += await done([threads.submit(threading.get_ident)])
        end.set()
        assert await done([long]) == [True]
        return used

    assert len(set(run(ask))) == 1


@pytest.mark.parametrize("is_busy", [busy, idle])
def test_never_more_threads_than_allowed(is_busy: Callable[[], bool], end: threading.Event) -> None:
    threads, inside = (
        Threads(3, "test", long_seconds=0.001, is_busy=is_busy),
        threading.Semaphore(0),
    )

    def stay() -> int:
        inside.release()
        assert end.wait(PATIENCE)
        return threading.get_ident()

    async def ask() -> list[int]:
        calls = [threads.submit(stay) for _ in range(10)]
        for _ in range(3):
            assert await asyncio.to_thread(inside.acquire, timeout=PATIENCE)
        await asyncio.sleep(0.1)
        assert not inside.acquire(blocking=False)
        end.set()
        return await done(calls)

    used = run(ask)
    assert len(used) == 10
    assert len(set(used)) <= 3


def test_a_call_that_is_cancelled_is_not_made(end: threading.Event) -> None:
    threads = Threads(1, "test")
    made: list[int] = []

    async def ask() -> None:
        first = threads.submit(end.wait, PATIENCE)
        second, third = threads.submit(made.append, 2), threads.submit(made.append, 3)
        assert second.cancel()
        end.set()
        await done([third])
        assert first.done()
        with pytest.raises(CancelledError):
            second.result()

    run(ask)
    assert made == [3]


def test_an_error_is_its_callers_and_ends_no_thread() -> None:
    threads = Threads(1, "test")

    async def ask() -> None:
        wrong, right = threads.submit(int, "no number"), threads.submit(int, "7")
        with pytest.raises(ValueError, match="no number"):
            await done([wrong])
        assert await done([right]) == [7]

    run(ask)


def test_a_result_is_not_kept_while_the_next_call_is_made(end: threading.Event) -> None:
    class Result:
        pass

    threads = Threads(1, "test")

    async def ask() -> None:
        calls: list[Future[Any]] = [threads.submit(Result), threads.submit(end.wait, PATIENCE)]
        kept = weakref.ref((await done(calls[:1]))[0])
        del calls[0]
        while kept():
            await asyncio.sleep(0.01)
        end.set()
        await done(calls)

    run(ask)


@pytest.mark.parametrize(("used", "expected"), [(0.0, False), (0.8, False), (0.9, True), (2, True)])
def test_a_process_is_busy_that_uses_a_core(
    used: float, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0, 7.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(module.time, "process_time", lambda: now[1])
    load = Load()
    assert not load.is_busy()
    now[:] = 101.0, 7.0 + used
    assert load.is_busy() is expected
    now[:] = 101.0 + module.LONG_SECONDS / 2, 8.0  # it is not looked at again so soon
    assert load.is_busy() is expected
    now[:] = 200.0, 8.0
    assert not load.is_busy()
