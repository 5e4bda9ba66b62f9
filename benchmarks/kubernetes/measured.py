"""Is the simulation right? One worker that really runs, and the same arrivals simulated.

    .venv/bin/python -m benchmarks.kubernetes.measured --loads 0.6,0.85 --seconds 90

Starts web and one worker on servers of their own. People, each with requests of known length,
come at random (Poisson) at a rate that keeps so much of the worker's places busy. The waits, from
created to processing, are read from the rows; the simulation then gets the moments at which these
requests were made and the times that they took. Prints both, side by side.
"""

import argparse
import json
import random
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

import httpx

from benchmarks.measure import machine, say
from benchmarks.product import product_alone
from deploy.simulate import Outcome, Request, Rule, Simulation
from tests.live.many import MAKE_USERS
from tests.stack import Stack, wait_for

PEOPLE = 50
MIX = {0.5: 60, 1.0: 25, 3.0: 15}  # seconds that a request sleeps: weight; 1 s in the mean
ROWS = """
import json
from backend_django.processing.models import ProcessingRequest
rows = ProcessingRequest.objects.filter(kind="wordcount").order_by("created_at")
print(json.dumps([[at and at.timestamp() for at in row]
    for row in rows.values_list("created_at", "started_at", "finished_at")]))
"""


class Row(NamedTuple):
    """Of a request that is over; seconds since the epoch."""

    created: float
    started: float
    finished: float


class Waits(NamedTuple):
    """Seconds until a request began: the mean, and what so many had to wait at most."""

    mean: float
    p50: float
    p90: float
    p99: float

    @classmethod
    def of(cls, waits: list[float]) -> "Waits":
        mean = sum(waits) / len(waits)
        return cls(mean, *(Outcome.percentile(waits, part) for part in (0.5, 0.9, 0.99)))

    def __str__(self) -> str:
        return "  ".join(f"{name} {value:5.2f} s" for name, value in self._asdict().items())


def between(rows: list[Row]) -> float:
    """Return the seconds, as a median, from one request's end to the next one's start.

    Only where that next one had been waiting: so long a place is busy with neither.
    """
    ends = sorted(row.finished for row in rows)
    gaps = []
    for row in rows:
        free = [end for end in ends if row.created < end <= row.started]
        if free and row.started - row.created > 0.1:
            gaps.append(row.started - free[-1])
    return sorted(gaps)[len(gaps) // 2] if gaps else 0.0


def simulate(rows: list[Row], places: int, between: float = 0.0) -> list[float]:
    """Return the waits that one worker with so many places would have had with these requests."""
    first = min(row.created for row in rows)
    requests = [Request(row.created - first, row.finished - row.started + between) for row in rows]
    return Simulation(requests, Rule(1, 1, places=places)).run().waits


def send(stack: Stack, rate: float, seconds: float, rng: random.Random) -> int:
    """Have people make requests at random moments; return how many when all have been sent."""
    clients = [
        httpx.Client(base_url=f"{stack.url}/api/v1/", timeout=60,
                     headers={"Authorization": f"Token key-{number}"})
        for number in range(PEOPLE)
    ]  # fmt: skip

    def create(number: int, length: float) -> None:
        file = {"file": ("a.txt", f"SLEEP {length}".encode())}
        clients[number % PEOPLE].post("wordcount/create/", files=file).raise_for_status()

    due = rng.expovariate(rate)
    sent: list[Future[None]] = []
    began = time.monotonic()
    with ThreadPoolExecutor(16) as pool:
        while due < seconds:
            time.sleep(max(0, began + due - time.monotonic()))
            (length,) = rng.choices(list(MIX), list(MIX.values()))
            sent.append(pool.submit(create, len(sent), length))
            due += rng.expovariate(rate)
    for each in sent:
        each.result()
    return len(sent)


def run(load: float, given: argparse.Namespace) -> list[Row]:
    """Let people make requests; return the rows of all of them when they are over."""
    with product_alone("measured-") as product:
        stack = product.stack
        stack.manage("shell", "-v0", "-c", MAKE_USERS % PEOPLE)
        product.worker(given.places)
        mean = sum(seconds * weight for seconds, weight in MIX.items()) / sum(MIX.values())
        rng = random.Random(given.seed)
        number = send(stack, load * given.places / mean, given.seconds, rng)

        def over() -> list[Row]:
            rows = json.loads(stack.manage("shell", "-v0", "-c", ROWS))
            is_over = len(rows) == number and all(finished for *_, finished in rows)
            return [Row(*row) for row in rows] if is_over else []

        return wait_for(over, seconds=10 * given.seconds, what="all requests are over")


def compare(rows: list[Row], places: int) -> str:
    """Return the lines that say how long people waited, and in the simulation."""
    lasted = max(row.finished for row in rows) - rows[0].created
    busy = sum(row.finished - row.started for row in rows) / lasted / places
    gap = between(rows)
    return "\n".join([
        f"{len(rows)} requests in {lasted:.0f} s, {places} places busy for {busy:.0%} of it",
        f"  measured   {Waits.of([row.started - row.created for row in rows])}",
        f"  simulated  {Waits.of(simulate(rows, places))}",
        f"  simulated  {Waits.of(simulate(rows, places, gap))}, with {gap:.2f} s between two",
    ])  # fmt: skip


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.kubernetes.measured", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--loads", default="0.6,0.85", help="parts of the time, by the lengths")
    parser.add_argument("--seconds", type=float, default=90, help="of each load")
    parser.add_argument("--places", type=int, default=2, help="CELERY_CONCURRENCY")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(arguments)
    say(machine())
    for load in map(float, given.loads.split(",")):
        say(f"load {load:.0%}: {compare(run(load, given), given.places)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
