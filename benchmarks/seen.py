"""From POST to seeing it completed, over HTTP, by people who do so again and again.

Ours watch as the page does, by an event stream. Those of the baseline poll, as they have no other
way: DRF and Celery, each as its tutorial has it.
"""

import asyncio
import json
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from benchmarks.drf.serve import CELERY
from benchmarks.measure import QUICK, Figure, Row, Section, compare, compare_with_goal, rounds
from benchmarks.polls import completed_request
from benchmarks.product import Product
from tests.live.many import MAKE_USERS

ROUNDS = 3
CLIENTS = (1, 8, 64)  # at once, each with one request at a time
SECONDS = 1.0 if QUICK else 10.0
JOBS = 2  # at once in the worker, as in `make run`
PAUSE, LONGEST_PAUSE = 0.005, 0.25  # seconds between polls: each is half as long again
PATIENCE = 60.0
BASELINE = "DRF and Celery, polled"
GOALS = {(1, "p50"): 60.0, (64, "p99"): 500.0}  # ms
FORM = (
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n'
    b"Content-Type: text/plain\r\n\r\none two\r\n--b--\r\n"
)


class Connection:
    """A kept connection: one call at a time, as a browser's."""

    def __init__(self, port: int, token: str) -> None:
        self.port, self.head = port, f"Host: 127.0.0.1\r\nAuthorization: Token {token}\r\n"

    async def send(self, line: str, body: bytes = b"") -> bytes:
        """Send a request; return the head of the response."""
        form = f"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: {len(body)}\r\n"
        head = f"{line} HTTP/1.1\r\n{self.head}{form if body else ''}\r\n"
        self.writer.write(head.encode() + body)
        return await self.reader.readuntil(b"\r\n\r\n")

    async def call(self, line: str, body: bytes = b"") -> dict[str, Any]:
        head = (await self.send(line, body)).lower()
        content = await self.reader.readexactly(int(head.split(b"content-length:")[1].split()[0]))
        assert head[9:11] == b"20", (line, content)
        return json.loads(content)

    async def __aenter__(self) -> "Connection":
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.close()


Take = Callable[[], Awaitable[float]]  # returns the seconds that one request took


class Taken(NamedTuple):
    """Of a round: requests a second with what one cost, and the waits in ms."""

    requests: Figure
    p50: float
    p99: float


@asynccontextmanager
async def streaming(port: int, number: int) -> AsyncIterator[Take]:
    """A person with the page open: one stream for all requests, and calls beside it."""
    token = f"key-{number}"
    async with Connection(port, token) as stream:
        assert b" 200 " in await stream.send("GET /api/v1/events/")
        await stream.reader.readuntil(b"stream.state")

        async def take() -> float:
            began = time.perf_counter()
            made = await calls.call("POST /api/v1/wordcount/create/", FORM)
            while True:
                name, _, data = (await stream.reader.readuntil()).partition(b": ")
                told = json.loads(data) if name == b"data" else {}
                if told.get("id") == made["id"] and told["finished_at"]:
                    assert told["status"] == "completed", told
                    return time.perf_counter() - began

        async with Connection(port, token) as calls:  # one that is silent counts as slow
            yield take


@asynccontextmanager
async def polling(port: int, token: str) -> AsyncIterator[Take]:
    """A script that asks again and again, soon at first."""
    async with Connection(port, token) as calls:

        async def take() -> float:
            began, pause = time.perf_counter(), PAUSE
            state = await calls.call("POST /create/", FORM)
            while not state["finished_at"]:
                await asyncio.sleep(pause)
                pause = min(1.5 * pause, LONGEST_PAUSE)
                state = await calls.call(f"GET /status/{state['id']}/")
            return time.perf_counter() - began

        yield take


async def watch(people: Sequence[AbstractAsyncContextManager[Take]]) -> list[float]:
    """Have all of them ask for something, see it completed and begin again; return their waits."""
    waits: list[float] = []
    all_there = asyncio.Barrier(len(people))

    async def watch_one(person: AbstractAsyncContextManager[Take]) -> None:
        async with person as take:
            await take()  # connections to the database are there
            await all_there.wait()
            end = time.perf_counter() + SECONDS
            while time.perf_counter() < end:
                waits.append(await asyncio.wait_for(take(), PATIENCE))

    async with asyncio.TaskGroup() as group:
        for person in people:
            group.create_task(watch_one(person))
    return waits


def measure(product: Product) -> Section:
    """Compare the waits of 1, 8 and 64 people, beside the goals, and what a request costs."""
    stack = product.stack
    stack.manage("shell", "-v0", "-c", MAKE_USERS % max(CLIENTS))

    def take(person: Callable[[int], Any], clients: int, *pids: int, of: str) -> Taken:
        with product.spending(*pids, of=of) as spent:
            waits = sorted(asyncio.run(watch([person(number) for number in range(clients)])))
        p50, p99 = (waits[int(part * len(waits))] * 1000 for part in (0.5, 0.99))
        rate = clients / statistics.mean(waits)  # each begins anew when it has seen the end
        return Taken(spent.figure(rate, len(waits) + clients), p50, p99)

    rows: list[Row] = []
    with completed_request(product) as poll:
        bare = poll.bare
        pids = stack.processes["web"].pid, product.worker(JOBS)
        command = [sys.executable, "-m", *CELERY, "-c", str(JOBS)]
        with product.beside("drf-worker", command, bare.environment) as celery:
            port, token = urlsplit(bare.url).port or 0, bare.headers["Authorization"].split()[1]
            for clients in CLIENTS:
                found = rounds(
                    ROUNDS,
                    ours=partial(take, partial(streaming, stack.port), clients, *pids, of="app"),
                    theirs=partial(
                        take, lambda _: polling(port, token), clients, bare.pid, celery, of="drf"
                    ),
                )
                rows += _rows(clients, *(zip(*found[who], strict=True) for who in found))
    return Section("seen", rows)


def _rows(clients: int, ours: Any, theirs: Any) -> list[Row]:
    name = f"{clients} client{'s' * (clients > 1)}"
    rows = []
    for what, mine, other in zip(Taken._fields, ours, theirs, strict=True):
        unit = "/s" if what == "requests" else "ms"
        rows.append(compare(f"{name}: {what}", mine, BASELINE, other, unit))
        if goal := GOALS.get((clients, what)):
            rows.append(compare_with_goal(f"{name}: {what}", mine, goal, unit))
    return rows
