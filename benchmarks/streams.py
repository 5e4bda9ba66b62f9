"""Event streams: what 2,000 of them cost the web process, and how soon a change is told."""

import json
import os
import re
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.measure import (
    QUICK,
    Row,
    Section,
    ask,
    children_of,
    compare,
    compare_with_goal,
    say,
)  # fmt: skip
from benchmarks.product import Product
from tests.live.many import MAKE_USERS, Pages
from tests.stack import Stack, wait_for

STREAMS = 100 if QUICK else 2000  # each of a user of its own
CHANGES = 20 if QUICK else 400
IDLE_SECONDS = 2.0 if QUICK else 30.0
POLL_SECONDS = 0.5 if QUICK else 4.0
ROUNDS = 3
POLLED_EVERY = 2.0  # seconds, by a page without a stream

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


def measure(product: Product) -> Section:
    """Compare the web process with streams and without, and an event with a poll."""
    stack = product.stack
    users = json.loads(stack.manage("shell", "-v0", "-c", MAKE_USERS % STREAMS))
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
        with listening(stack):
            with_streams.append(polls())
    with listening(stack) as pages:
        after = memory_of(web)
        used, began = processor_time(web), time.monotonic()
        time.sleep(IDLE_SECONDS)
        idle = (processor_time(web) - used) / (time.monotonic() - began)
        # In rounds, as one moment in which the machine did something else is 1 % of a few changes.
        waits = [sorted(announce(stack, users, pages)) for _ in range(1 if QUICK else ROUNDS)]
    p50 = statistics.median(map(statistics.median, waits))
    p99s = [found[int(0.99 * len(found))] for found in waits]
    told = ", ".join(f"{p99:.3f} s" for p99 in p99s)
    say(f"  {after / 2**20:.0f} MiB, idle {idle:.1%} of a core, p50 {p50:.3f} s, p99 {told}")
    many = f"{STREAMS:,} streams"
    return Section(
        "streams",
        [
            compare(f"status polls beside {many}", with_streams, "without", without, "/s", "≥ 0.9"),
            Row(f"memory with {many}", after / 1e6, "without", before / 1e6, "MB", after / before),
            Row(f"{many} idle", idle, "one core", 1.0, "s/s", idle, "≤ 0.05"),
            Row("change → event, p50", p50, "a page's next poll", POLLED_EVERY / 2, "s", p50),
            compare_with_goal("change → event, p99", p99s, 0.3, "s"),
        ],
    )


@contextmanager
def listening(stack: Stack) -> Iterator[Pages]:
    pages = Pages(stack.port, users=STREAMS, pages=STREAMS)
    try:
        wait_for(lambda: pages.opened == STREAMS, seconds=120, what="all streams are open")
        say(f"  {STREAMS:,} streams are open, {pages.refused:,} were refused at first")
        time.sleep(1)
        yield pages
    finally:
        pages.close()
        time.sleep(1)


def announce(stack: Stack, users: list[int], pages: Pages) -> list[float]:
    """Return the seconds from each change to its event."""
    announced = json.loads(stack.manage("shell", "-v0", "-c", ANNOUNCE % (users, CHANGES)))
    time.sleep(2)
    waits = []
    for user, at in announced:
        after = [heard for heard in pages.all[users.index(user)].usage_at if heard > at]
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
