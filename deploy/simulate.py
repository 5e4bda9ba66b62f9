#!/usr/bin/env python3
"""How long do people wait, and what does it cost? The queue and the autoscaler, simulated.

    deploy/simulate.py --people 1000 --each 4 --seconds 0.4:70,3.5:25,46:5

Requests arrive over a working day, with its morning and its noon; some people bring a batch. The
autoscaler is the chart's: it looks every 15 seconds at numbers that are as old, and wants as many
workers as there is work for (`--per-worker`), and more when the oldest request has waited for
longer than `--oldest`. It follows the rules of Kubernetes: at most double in a minute, down after
five calm minutes, and a worker that is taken away ends what it has begun. A new one takes `--start`
seconds until it works.

Owners take turns, as in the product, so a batch waits for itself. Prints the wait at the 50th and
99th percentile, that of requests outside of batches, the most workers at once, and their hours.
"""

import argparse
import heapq
import math
import random
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

DAY = 8 * 3600
LOOK = 15  # seconds between two looks of the autoscaler, and of Prometheus before it
CALM = 300
MINUTE = 60


class Request(NamedTuple):
    """at: seconds after the beginning; seconds: of work; place: in its owner's batch, from 0."""

    at: float
    seconds: float
    place: int = 0


@dataclass(frozen=True)
class Rule:
    """What the autoscaler is told; with minimum = maximum it has nothing to decide.

    places: requests that one worker works on at once. per_worker: work, running and waiting, that
    one worker is wanted for. start: seconds until a new one works.
    """

    minimum: int
    maximum: int
    places: int = 2
    per_worker: float = 2
    oldest: float = 60
    start: float = 45


@dataclass
class Worker:
    ready: bool
    leaving: bool = False
    busy: int = 0


@dataclass
class Outcome:
    """waits: seconds until each request began; first: of those that were no batch's later ones."""

    waits: list[float] = field(default_factory=list)
    first: list[float] = field(default_factory=list)
    most: int = 0
    worker_seconds: float = 0

    @staticmethod
    def percentile(waits: list[float], of: float) -> float:
        ordered = sorted(waits)
        return ordered[min(len(ordered) - 1, math.ceil(of * len(ordered)) - 1)] if ordered else 0


class Simulation:
    """One run; `lost` says from when to when which part of the workers is away (a dead zone)."""

    def __init__(
        self,
        requests: Iterable[Request],
        rule: Rule,
        lost: tuple[float, float, float] | None = None,
    ) -> None:
        self.rule, self.lost = rule, lost
        self.queue: list[tuple[int, int, Request]] = []  # by turn, as the product's own
        self.turn = 0
        self.workers = [Worker(ready=True) for _ in range(rule.minimum)]
        self.outcome = Outcome()
        self.events: list[tuple[float, int, str, object]] = []
        self.serial = self.open = 0
        self.now = 0.0
        self.seen: tuple[float, float] = (0, 0)  # work and age, as Prometheus has them
        self.wanted: deque[tuple[float, int]] = deque()
        self.changes: deque[tuple[float, int]] = deque()
        for request in requests:
            self.open += 1
            self.add(request.at, "arrives", request)
        self.add(0, "looks", None)
        if lost:
            self.add(lost[0], "loses", None)

    def add(self, at: float, what: str, about: object) -> None:
        self.serial += 1
        heapq.heappush(self.events, (at, self.serial, what, about))

    def run(self) -> Outcome:
        while self.open:
            at, _, what, about = heapq.heappop(self.events)
            self.outcome.worker_seconds += len(self.workers) * (at - self.now)
            self.now = at
            getattr(self, f"_{what}")(about)
            self._take()
            self.outcome.most = max(self.outcome.most, len(self.workers))
        return self.outcome

    def _arrives(self, request: Request) -> None:
        """Owners take turns: a request of a batch waits for its place, not for the whole batch."""
        self.serial += 1
        heapq.heappush(self.queue, (self.turn + request.place, self.serial, request))

    def _starts(self, worker: Worker) -> None:
        worker.ready = True

    def _ends(self, worker: Worker) -> None:
        worker.busy -= 1
        self.open -= 1
        self._remove_idle()

    def _take(self) -> None:
        for worker in self.workers if self.queue else ():
            while worker.ready and not worker.leaving and worker.busy < self.rule.places:
                if not self.queue:
                    return
                self.turn, _, request = heapq.heappop(self.queue)
                worker.busy += 1
                self.outcome.waits.append(self.now - request.at)
                if not request.place:
                    self.outcome.first.append(self.now - request.at)
                self.add(self.now + request.seconds, "ends", worker)

    def _loses(self, _: None) -> None:
        """A zone is gone: its workers take nothing new until it is back or others have started."""
        if not self.lost:
            return
        until, part = self.lost[1:]
        for worker in self.workers[: math.ceil(len(self.workers) * part)]:
            worker.ready = False
            self.add(until, "starts", worker)

    def _looks(self, _: None) -> None:
        self.add(self.now + LOOK, "looks", None)
        work, age = self.seen
        running = sum(worker.busy for worker in self.workers)
        oldest = self.now - min((one.at for _, _, one in self.queue), default=self.now)
        self.seen = (len(self.queue) + running, oldest)  # what the next look finds
        here = sum(not worker.leaving for worker in self.workers)
        wanted = max(
            math.ceil(work / self.rule.per_worker),
            math.ceil(here * age / self.rule.oldest)
            if abs(age / self.rule.oldest - 1) > 0.1
            else 0,
        )
        wanted = min(max(wanted, self.rule.minimum), self.rule.maximum)
        self.wanted.append((self.now, wanted))
        while self.wanted[0][0] < self.now - CALM:
            self.wanted.popleft()
        while self.changes and self.changes[0][0] < self.now - MINUTE:
            self.changes.popleft()
        before = here - sum(change for _, change in self.changes)
        if wanted > here:
            self._change(min(wanted, max(2 * before, before + 2)) - here)
        elif wanted < here:
            calm = max(number for _, number in self.wanted)
            self._change(max(calm, math.ceil(before / 2)) - here)

    def _change(self, by: int) -> None:
        if by > 0:
            for _ in range(by):
                self.workers.append(Worker(ready=False))
                self.add(self.now + self.rule.start, "starts", self.workers[-1])
        elif by < 0:
            staying = [worker for worker in self.workers if not worker.leaving]
            for worker in sorted(staying, key=lambda each: each.busy)[:-by]:
                worker.leaving = True
            self._remove_idle()
        if by:
            self.changes.append((self.now, by))

    def _remove_idle(self) -> None:
        self.workers = [one for one in self.workers if one.busy or not one.leaving]


def a_day(
    people: int, each: float, mix: list[tuple[float, float]], batches: float, rng: random.Random
) -> Iterator[Request]:
    """Yield the requests of a working day: two humps, and batches of 50 from some of the people."""
    seconds, weights = [one for one, _ in mix], [weight for _, weight in mix]

    def moment() -> float:
        hump = rng.choice([DAY * 0.25, DAY * 0.7])
        return min(max(rng.gauss(hump, DAY * 0.12), 0), DAY)

    for _ in range(round(people * each)):
        yield Request(moment(), rng.choices(seconds, weights)[0])
    for _ in range(round(people * batches)):
        at = moment()
        for place in range(50):
            yield Request(at, rng.choices(seconds, weights)[0], place)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--people", type=int, required=True)
    parser.add_argument("--each", type=float, default=4, help="requests of one in a day")
    parser.add_argument(
        "--seconds", default="0.4:70,3.5:25,46:5", help="how long they take: weight"
    )
    parser.add_argument("--batches", type=float, default=0.01, help="part of them with one of 50")
    parser.add_argument("--min", type=int, default=1)
    parser.add_argument("--max", type=int, default=10)
    parser.add_argument("--places", type=int, default=2, help="CELERY_CONCURRENCY")
    parser.add_argument("--per-worker", type=float, default=4)
    parser.add_argument("--oldest", type=float, default=60)
    parser.add_argument("--start", type=float, default=45)
    parser.add_argument(
        "--slow", type=float, default=0, help="seconds more for each, as of slow storage"
    )
    parser.add_argument("--lost", type=float, default=0, help="part of the workers away at noon")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(arguments)
    pairs = (one.split(":") for one in given.seconds.split(","))
    mix = [(float(seconds) + given.slow, float(weight)) for seconds, weight in pairs]
    requests = list(a_day(given.people, given.each, mix, given.batches, random.Random(given.seed)))  # noqa: S311
    rule = Rule(given.min, given.max, given.places, given.per_worker, given.oldest, given.start)
    noon = DAY * 0.7
    lost = (noon, noon + 900, given.lost) if given.lost else None
    outcome = Simulation(requests, rule, lost).run()
    print(
        f"{len(requests)} requests: wait p50 {outcome.percentile(outcome.waits, 0.5):.1f} s, "
        f"p99 {outcome.percentile(outcome.waits, 0.99):.1f} s, of single ones "
        f"{outcome.percentile(outcome.first, 0.99):.1f} s; at most {outcome.most} workers, "
        f"{outcome.worker_seconds / 3600:.1f} hours of them"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
