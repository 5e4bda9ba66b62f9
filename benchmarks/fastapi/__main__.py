"""`python -m benchmarks.fastapi`: the same result from FastAPI and from Django, in one run.

Both read one summary by its id, with the same token, from a process each. Prints the medians of the
rounds, which alternate, and their ratios; asserts nothing.
"""

import statistics
import time
from concurrent.futures import ThreadPoolExecutor

import httpx

from benchmarks.measure import QUICK, cpu_seconds, machine, rounds
from benchmarks.product import product_alone
from tests.fastapi.process import fastapi_beside
from tests.stack import ADMIN

ROUNDS, CLIENTS = 5, 4
CALLS = 50 if QUICK else 250  # of each client in a round
TEXT = {"text": "Rivers rise in spring. Rivers carry sand. Cats sleep.", "sentences": 2}


def take(url: str, pid: int, headers: dict[str, str]) -> tuple[float, float, float]:
    """Return ms of processor time for each call, and p50 and p99 of the wait in ms."""

    def client(calls: int) -> list[float]:
        waits = []
        with httpx.Client(headers=headers, timeout=60) as session:
            for _ in range(calls):
                began = time.perf_counter()
                session.get(url).raise_for_status()
                waits.append((time.perf_counter() - began) * 1000)
        return waits

    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(client, [5] * CLIENTS))  # every thread has its connection to the database
        before = cpu_seconds(pid)
        waits = sorted(wait for found in pool.map(client, [CALLS] * CLIENTS) for wait in found)
    cpu = (cpu_seconds(pid) - before) / len(waits) * 1000
    return cpu, statistics.median(waits), waits[int(0.99 * len(waits))]


def main() -> None:
    with product_alone() as product:
        stack = product.stack
        with stack.client(**ADMIN) as api, fastapi_beside(stack) as url:
            headers = {"Authorization": api.headers["Authorization"]}
            address = f"{url}/api/v1/fast/summaries/"
            lines = httpx.post(address, json=TEXT, headers=headers, timeout=60).text
            made = lines.split('"id":"')[1].split('"')[0]
            of_django = f"{stack.url}/api/v1/summaries/results/{made}/"
            web, beside = (stack.processes[name].pid for name in ("web", "fastapi"))
            found = rounds(
                ROUNDS,
                django=lambda: take(of_django, web, headers),
                fastapi=lambda: take(f"{address}{made}/", beside, headers),
            )
    print(machine())
    print(f"{'':24}{'Django':>10}{'FastAPI':>10}{'ratio':>8}")
    for place, name in enumerate(("processor, ms a call", "p50, ms", "p99, ms")):
        django, fastapi = (
            statistics.median(one[place] for one in found[who]) for who in ("django", "fastapi")
        )
        print(f"{name:24}{django:10.2f}{fastapi:10.2f}{fastapi / django:8.2f}")


if __name__ == "__main__":
    main()
