"""What the lifecycle of a request costs, against bare Celery and queues that are rows, too."""

from collections.abc import Callable
from contextlib import ExitStack

from benchmarks.measure import QUICK, Row, Section, compare, rounds
from benchmarks.product import Product
from benchmarks.queues import Queue

ROUNDS = 3
REQUESTS = 20 if QUICK else 150
SAMPLES = 5 if QUICK else 20


def measure(product: Product) -> Section:
    """Empty requests against empty tasks: a second, and from sending one to seeing it done."""
    rows: list[Row] = []
    procrastinate, tasks = Queue(product, "procrastinate"), Queue(product, "tasks_db")
    for concurrency in (1, 2, 4):
        product.worker(concurrency)
        takes = {
            "ours": lambda: REQUESTS / product.bench("requests", REQUESTS),
            "empty Celery tasks": lambda: REQUESTS / product.bench("bare", REQUESTS),
            "Procrastinate": lambda: REQUESTS / procrastinate.run(REQUESTS),
        }
        with ExitStack() as stack:
            stack.enter_context(procrastinate.worker(concurrency))
            if concurrency == 1:  # it has one worker for each process
                stack.enter_context(tasks.worker())
                takes["django-tasks-db"] = lambda: REQUESTS / tasks.run(REQUESTS)
            rows += _compared(f"empty requests, {concurrency} at once", takes, "/s", "≥ 1.2")
            if concurrency == 1:
                takes = {
                    "ours": lambda: product.bench("latency-request", SAMPLES),
                    "an empty Celery task": lambda: product.bench("latency-bare", SAMPLES),
                    "Procrastinate": lambda: procrastinate.latency(SAMPLES),
                    "django-tasks-db": lambda: tasks.latency(SAMPLES),
                }
                seconds = _compared("submit → completed", takes, "s")
    return Section("lifecycle", rows + seconds)


def _compared(
    what: str, takes: dict[str, Callable[[], float]], unit: str, goal: str = ""
) -> list[Row]:
    """Return a row for each baseline; the goal is that of Procrastinate."""
    found = rounds(ROUNDS, **takes)
    ours = found.pop("ours")
    return [
        compare(what, ours, name, theirs, unit, goal if name == "Procrastinate" else "")
        for name, theirs in found.items()
    ]
