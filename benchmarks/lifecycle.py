"""What the lifecycle of a request costs, against bare Celery and queues that are rows, too."""

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import NamedTuple

from benchmarks.measure import QUICK, Figure, Row, Section, compare, rounds
from benchmarks.product import Product
from benchmarks.queues import Queue

ROUNDS = 3
REQUESTS = 20 if QUICK else 300
# Completed ones in our table before: PostgreSQL plans statements for an empty table unlike those
# for one that was in use.
HISTORY = 200 if QUICK else 20_000
SAMPLES = 5 if QUICK else 20


class Racer(NamedTuple):
    """run: the seconds of so many at once; latency: of one, the median of so many in a row."""

    run: Callable[[int], float]
    latency: Callable[[int], float]
    database: str = "app"


def measure(product: Product) -> Section:
    """Empty requests against empty tasks: a second, and from sending one to seeing it done."""
    product.bench("fill", HISTORY)
    bench = partial(partial, product.bench)
    queues = Queue(product, "procrastinate"), Queue(product, "tasks_db")
    racers = {
        "ours": Racer(bench("requests"), bench("latency-request")),
        "bare Celery": Racer(bench("bare"), bench("latency-bare")),
    }
    for name, queue in zip(("Procrastinate", "django-tasks-db"), queues, strict=True):
        racers[name] = Racer(queue.run, queue.latency, queue.name)
    rows: list[Row] = []
    waits: list[Row] = []
    for concurrency in (1, 2, 4):
        with ExitStack() as stack:
            pids = {"app": product.worker(concurrency)}  # of workers, by their databases
            # One worker of django-tasks-db is one process with one job at once.
            for queue in queues if concurrency == 1 else queues[:1]:
                pids[queue.name] = stack.enter_context(queue.worker(concurrency))
            there = {name: racer for name, racer in racers.items() if racer.database in pids}
            what = f"empty requests, {concurrency} at once"
            rows += _race(product, there, pids, what, "/s", REQUESTS, "≥ 1.2")
            with_files = {"ours": Racer(bench("requests-with-files"), there["ours"].latency)}
            with_files["bare Celery"] = there["bare Celery"]
            what = f"requests with files, {concurrency} at once"
            rows += _race(product, with_files, pids, what, "/s", REQUESTS)
            if concurrency == 1:
                waits = _race(product, there, pids, "submit → completed", "s", SAMPLES)
                # By the clock of the database: from when the row is there.
                there = {"ours": Racer(there["ours"].run, bench("latency-row"))} | {
                    name: racer for name, racer in there.items() if name == "bare Celery"
                }
                waits += _race(product, there, pids, "row created → completed", "s", SAMPLES)
    return Section("lifecycle", rows + waits)


def _race(
    product: Product, racers: dict[str, Racer], pids: dict[str, int],
    what: str, unit: str, count: int, goal: str = "",
) -> list[Row]:  # fmt: skip
    """Return a row for each baseline, with what one costs its worker; the goal is Procrastinate's.

    Those who send and wait are not counted.
    """

    def take(racer: Racer) -> Figure:
        with product.spending(pids[racer.database], of=racer.database) as spent:
            value = racer.latency(count) if unit == "s" else count / racer.run(count)
        return spent.figure(value, count)

    found = rounds(ROUNDS, **{name: partial(take, racer) for name, racer in racers.items()})
    ours = found.pop("ours")
    return [
        compare(what, ours, name, theirs, unit, goal if name == "Procrastinate" else "")
        for name, theirs in found.items()
    ]
