"""Work at a gentle rate for an hour: does the memory of any process grow, and is anything lost?

    .venv/bin/python -m benchmarks.kubernetes.soak --minutes 60

Starts web, worker and beat on servers of their own, and people who make requests, poll them and
keep event streams open. Prints what each of the three takes at the start and every minute: the
resident memory of all its lasting processes (children of single jobs come and go, and are left
out) and their open files; at the end how much each has grown in an hour, after `--warm` minutes.
Exits with 1 when a call failed or a request was not completed. Linux only.
"""

import argparse
import contextlib
import itertools
import json
import os
import re
import statistics
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import httpx

from benchmarks.measure import children_of, say
from benchmarks.product import product_alone
from benchmarks.streams import memory_of
from tests.live.many import MAKE_USERS, Pages
from tests.stack import Stack, wait_for

ROLES = "web", "worker", "beat"
LASTING = 30  # seconds after which a process is none of a single job
MINUTE = 60
DONE = """
import json
from collections import Counter
from backend_django.processing.models import ProcessingRequest
print(json.dumps(Counter(ProcessingRequest.objects.values_list("status", flat=True))))
"""


class Look(NamedTuple):
    """minutes: since the start; bytes and files: of a role's lasting processes together."""

    minutes: float
    processes: int
    bytes: int
    files: int


class People:
    """Users who make requests and poll them; what was not as it should be is counted."""

    def __init__(self, stack: Stack, users: int) -> None:
        self.stack = stack
        self.clients = [
            httpx.Client(
                base_url=f"{stack.url}/api/v1/", timeout=30,
                headers={"Authorization": f"Token key-{number}"},
            )
            for number in range(users)
        ]  # fmt: skip
        self.made: deque[tuple[int, str]] = deque(maxlen=50)
        self.count: Counter[str] = Counter()
        self._turns = itertools.cycle(range(users))

    def create(self) -> None:
        user = next(self._turns)
        answer = self.clients[user].post(
            "wordcount/create/", files={"file": ("a.txt", b"two words")}
        )
        self.count[f"create {answer.status_code}"] += 1
        if answer.status_code == httpx.codes.CREATED:
            self.made.append((user, answer.json()["id"]))

    def poll(self) -> None:
        if self.made:
            user, request = self.made[self.count["poll 200"] % len(self.made)]
            answer = self.clients[user].get(f"wordcount/status/{request}/")
            self.count[f"poll {answer.status_code}"] += 1


def at_rate(
    pool: ThreadPoolExecutor, act: Callable[[], None], per_second: float, until: threading.Event
) -> None:
    """Begin one action after the other, evenly, whether or not those before it have ended."""
    due = time.monotonic()
    while not until.wait(max(0, due - time.monotonic())):
        pool.submit(act)
        due += 1 / per_second


def lasting(root: int) -> list[int]:
    """Return the processes of a tree that are older than a job, `root` among them."""
    up = float(Path("/proc/uptime").read_text().split()[0])
    found = [root]
    for pid in children_of(root):
        with contextlib.suppress(OSError):
            began = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
            if up - began / os.sysconf("SC_CLK_TCK") > LASTING:
                found.append(pid)
    return found


def look_at(root: int, minutes: float) -> Look:
    memory = files = 0
    found = lasting(root)
    for pid in found:
        with contextlib.suppress(OSError):  # it has just ended
            memory += memory_of(pid)
            files += len(os.listdir(f"/proc/{pid}/fd"))
    return Look(minutes, len(found), memory, files)


def growth(looks: list[Look], warm: float) -> float | None:
    """Return MiB an hour, as a line of least squares through the looks after `warm` minutes."""
    after = [look for look in looks if look.minutes >= warm]
    if len(after) < 3:
        return None
    line = statistics.linear_regression(
        [look.minutes / 60 for look in after], [look.bytes / 2**20 for look in after]
    )
    return line.slope


def soak(stack: Stack, given: argparse.Namespace) -> int:
    users = json.loads(stack.manage("shell", "-v0", "-c", MAKE_USERS % given.streams))
    people, ended = People(stack, len(users)), threading.Event()
    looks: dict[str, list[Look]] = {role: [] for role in ROLES}
    pages = Pages(stack.port, users=len(users), pages=len(users))
    wait_for(lambda: pages.opened == len(users), what="all streams are open")
    wait_for(
        lambda: all(lasting(stack.processes[role].pid)[1:] for role in ("web", "worker")),
        seconds=3 * LASTING,
        what="the children of web and worker have lasted",
    )
    say("minute" + "".join(f"{role:>8}: MiB processes files" for role in ROLES) + "  requests")
    with ThreadPoolExecutor(8) as pool:
        acting = [
            threading.Thread(target=at_rate, args=(pool, act, rate, ended))
            for act, rate in ((people.create, given.requests), (people.poll, given.polls))
        ]
        began = time.monotonic()
        for number in range(given.minutes + 1):
            time.sleep(max(0, began + number * MINUTE - time.monotonic()))
            line = ""
            for role in ROLES:
                look = look_at(stack.processes[role].pid, number)
                looks[role].append(look)
                line += f"{look.bytes / 2**20:13.1f}{look.processes:10}{look.files:6}"
            say(f"{number:6}{line}{people.count['create 201']:10}")
            if not number:
                for thread in acting:
                    thread.start()
        ended.set()
        for thread in acting:
            thread.join()
    for role in ROLES:
        slope = growth(looks[role], given.warm)
        said = "too short to say" if slope is None else f"{slope:+.1f} MiB an hour"
        say(f"{role}: {said} after minute {given.warm}")
    pages.close()

    def states() -> dict[str, int]:
        return json.loads(stack.manage("shell", "-v0", "-c", DONE))

    wait_for(lambda: not states().keys() & {"pending", "processing"}, seconds=300)
    found = states()
    wrong = {what: many for what, many in people.count.items() if not re.search("20[01]$", what)}
    heard = sum(len(page.told) for page in pages.all)
    say(f"calls: {dict(people.count)}; requests: {found}; told of by streams: {heard}")
    return 1 if wrong or found.keys() - {"completed"} else 0


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.kubernetes.soak", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--requests", type=float, default=2, help="a second")
    parser.add_argument("--polls", type=float, default=5, help="a second")
    parser.add_argument("--streams", type=int, default=5, help="open, each of a user of its own")
    parser.add_argument("--warm", type=int, default=10, help="minutes that growth leaves out")
    given = parser.parse_args(arguments)
    with product_alone("soak-") as product:
        product.stack.start("worker", "beat")
        return soak(product.stack, given)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
