"""Event streams: what 2,000 of them cost the web process, and how soon a change is told."""

import asyncio
import contextlib
import json
import os
import random
import re
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.measure import QUICK, Row, Section, ask, children_of, compare, say
from benchmarks.product import Product
from tests.stack import Stack, wait_for

STREAMS = 100 if QUICK else 2000  # each of a user of its own
CHANGES = 20 if QUICK else 400
IDLE_SECONDS = 2.0 if QUICK else 30.0
POLL_SECONDS = 0.5 if QUICK else 4.0
ROUNDS = 3
POLLED_EVERY = 2.0  # seconds, by a page without a stream

USERS = """
import json
from backend_django.users.models import ApiToken, User
users = User.objects.bulk_create(
    User(email=f"listener-{n}@example.org", password="!") for n in range(%d))
ApiToken.objects.bulk_create(
    ApiToken(user=user, name="bench", digest=ApiToken.digest_of(f"key-{n}"), hint="key")
    for n, user in enumerate(users))
print(json.dumps([user.pk for user in users]))
"""
ANNOUNCE = """
import json, random, time
from backend_django.live.publish import publish
told = []
for user_id in random.Random(1).choices(%s, k=%d):
    told.append((user_id, time.monotonic()))
    publish(user_ids=[user_id], topic="usage")
    time.sleep(0.02)
print(json.dumps(told))
"""


class Listeners:
    """Clients that read streams, in a thread with a loop of its own."""

    def __init__(self, port: int, users: list[int]) -> None:
        self.port, self.users = port, users
        self.heard: dict[int, list[float]] = {user: [] for user in users}
        self.opened = self.refused = 0
        self._loop = asyncio.new_event_loop()
        self._all = self._loop.create_task(self._listen_all())
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            self._loop.run_until_complete(self._all)
        self._loop.close()

    async def _listen_all(self) -> None:
        async with asyncio.TaskGroup() as group:
            for number, user in enumerate(self.users):
                group.create_task(self._listen(number, user))

    async def _listen(self, number: int, user: int) -> None:
        await asyncio.sleep(number / 400)  # as pages come back after a restart
        while not await self._is_open(number, user):
            self.refused += 1
            await asyncio.sleep(random.uniform(1, 8))

    async def _is_open(self, number: int, user: int) -> bool:
        """Read a stream until it ends; return whether it began."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        head = "GET /api/v1/events/ HTTP/1.1\r\nHost: localhost\r\n"
        writer.write(f"{head}Authorization: Token key-{number}\r\n\r\n".encode())
        began = False
        try:
            async for line in reader:
                if b"stream.state" in line and not began:
                    began = True
                    self.opened += 1
                elif b"usage.changed" in line:
                    self.heard[user].append(time.monotonic())
        finally:
            writer.close()
        return began

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._all.cancel)
        self._thread.join()


def measure(product: Product) -> Section:
    """Compare the web process with streams and without, and an event with a poll."""
    stack = product.stack
    users = json.loads(stack.manage("shell", "-v0", "-c", USERS % STREAMS))
    product.worker(1)
    with stack.client() as api:
        state = api.wait("wordcount", api.create("wordcount", b"one two")["id"])
        path = f"/api/v1/wordcount/status/{state['id']}/"
        headers = {"Authorization": api.headers["Authorization"]}
    stack.stop("worker")
    web = max(children_of(stack.processes["web"].pid), key=memory_of)

    def polls() -> float:
        found = ask(stack.url, [path], headers, connections=4, seconds=POLL_SECONDS)
        return found.per_second

    polls()
    before, without = memory_of(web), []
    with_streams = []
    for _ in range(1 if QUICK else ROUNDS):
        without.append(polls())
        with listening(stack, users):
            with_streams.append(polls())
    with listening(stack, users) as listeners:
        after = memory_of(web)
        used, began = processor_time(web), time.monotonic()
        time.sleep(IDLE_SECONDS)
        idle = (processor_time(web) - used) / (time.monotonic() - began)
        waits = announce(stack, users, listeners)
    ordered = sorted(waits)
    p50, p99 = statistics.median(waits), ordered[int(0.99 * len(ordered))]
    say(f"  {after / 2**20:.0f} MiB, idle {idle:.1%} of a core, p50 {p50:.3f} s, p99 {p99:.3f} s")
    many = f"{STREAMS:,} streams"
    return Section(
        "streams",
        [
            compare(f"status polls beside {many}", with_streams, "without", without, "/s", "≥ 0.9"),
            Row(f"memory with {many}", after / 1e6, "without", before / 1e6, "MB", after / before),
            Row(f"{many} idle", idle, "one core", 1.0, "s/s", idle, "≤ 0.05"),
            Row("change → event, p50", p50, "a page's next poll", POLLED_EVERY / 2, "s", p50),
            Row("change → event, p99", p99, "the goal", 0.3, "s", p99 / 0.3, "≤ 1"),
        ],
    )


@contextmanager
def listening(stack: Stack, users: list[int]) -> Iterator[Listeners]:
    listeners = Listeners(stack.port, users)
    try:
        wait_for(lambda: listeners.opened == len(users), seconds=120, what="all streams are open")
        say(f"  {listeners.opened} streams are open, {listeners.refused} were refused at first")
        time.sleep(1)
        yield listeners
    finally:
        listeners.close()
        time.sleep(1)


def announce(stack: Stack, users: list[int], listeners: Listeners) -> list[float]:
    """Return the seconds from each change to its event."""
    announced = json.loads(stack.manage("shell", "-v0", "-c", ANNOUNCE % (users, CHANGES)))
    time.sleep(2)
    waits = []
    for user, at in announced:
        after = [heard for heard in listeners.heard[user] if heard > at]
        assert after, f"{user} was not told"
        waits.append(after[0] - at)
    return waits


def memory_of(pid: int) -> int:
    """Return the resident memory of a process in bytes (Linux)."""
    found = re.search(r"VmRSS:\s*(\d+)", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) * 1024 if found else 0


def processor_time(pid: int) -> float:
    """Return the seconds of processor time that a process has used (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
