"""What the lifecycle of a request costs, against bare Celery."""

from benchmarks.measure import QUICK, Row, Section, compare, rounds
from benchmarks.product import Product

ROUNDS = 3
REQUESTS = 20 if QUICK else 150
SAMPLES = 5 if QUICK else 20


def measure(product: Product) -> Section:
    """Empty requests against empty tasks: a second, and from sending one to seeing it done."""
    rows: list[Row] = []
    for concurrency in (1, 2):
        product.worker(concurrency)
        found = rounds(
            ROUNDS,
            ours=lambda: REQUESTS / product.bench("requests", REQUESTS),
            bare=lambda: REQUESTS / product.bench("bare", REQUESTS),
        )
        what = f"empty requests, {concurrency} at once"
        rows.append(compare(what, found["ours"], "empty Celery tasks", found["bare"], "/s"))
    found = rounds(
        ROUNDS,
        ours=lambda: product.bench("latency-request", SAMPLES),
        bare=lambda: product.bench("latency-bare", SAMPLES),
    )
    rows.append(compare("submit → completed", found["ours"], "send → done", found["bare"], "s"))
    return Section("lifecycle", rows)
