"""`python -m benchmarks.observability`: calls of a product with the module, off, and without it.

Two web processes on the same servers, the second in a copy of the tree without the module's
folders: status polls, and creates of a small file. Prints the processor time of each call and the
ratio: the median of the rounds' and their range. Asserts nothing.
"""

import json
import shutil
import statistics
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from benchmarks.measure import QUICK, cpu_seconds, machine, rounds, say
from benchmarks.product import APPS, product_alone
from scripts.environment import ROOT
from scripts.render import read_modules
from tests.stack import ADMIN, Stack
from tests.tree import copy_of_the_sources

MODULE = "observability"
ROUNDS, CLIENTS = 20, 4
POLLS, CREATES = (50, 5) if QUICK else (500, 50)  # of each client in a round


class Without(Stack):
    """Another web process of the product, started where the module is not."""

    def __init__(self, directory: Path, beside: Stack) -> None:
        self.root = copy_of_the_sources(directory / "tree")
        for path in map(self.root.joinpath, read_modules(ROOT)[MODULE].paths):
            if path.is_dir():
                shutil.rmtree(path)
        own = {
            "PORT",
            "MEDIA_ROOT",
            "PROCESSING_WORK_DIR",
            "EMAIL_URL",
            "REDIS_URL",
            "DATABASE_URL",
        }
        shared = {name: value for name, value in beside.environment.items() if name not in own}
        super().__init__(
            directory / "stack",
            beside.environment["DATABASE_URL"],
            **shared | {"TEST_APPS": APPS, "PYTHONPATH": str(self.root)},
        )


def take(stack: Stack, headers: dict[str, str], method: str, path: str, calls: int) -> float:
    """Return the milliseconds of processor time that each call takes."""
    form = {"files": {"file": ("a.txt", b"one two")}} if method == "POST" else {}

    def client(count: int) -> None:
        with httpx.Client(base_url=stack.url, headers=headers, timeout=60) as session:
            for _ in range(count):
                session.request(method, path, **form).raise_for_status()

    web = stack.processes["web"].pid
    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(client, [2] * CLIENTS))  # every thread has its connection to the database
        before = cpu_seconds(web)
        list(pool.map(client, [calls] * CLIENTS))
    return (cpu_seconds(web) - before) / (calls * CLIENTS) * 1000


def main() -> None:
    with product_alone() as product:
        off, absent = product.stack, Without(product.directory / "without", product.stack)
        try:
            absent.start("web")
            with off.client(**ADMIN) as api:
                made = api.create("wordcount", b"one two")
                headers = {"Authorization": api.headers["Authorization"]}
            for name, method, path, calls in (
                ("status poll", "GET", f"/api/v1/wordcount/status/{made['id']}/", POLLS),
                ("create", "POST", "/api/v1/wordcount/create/", CREATES),
            ):
                say(name)
                found = rounds(
                    ROUNDS,
                    off=lambda: take(off, headers, method, path, calls),  # noqa: B023
                    absent=lambda: take(absent, headers, method, path, calls),  # noqa: B023
                )
                pairs = [
                    one / other for one, other in zip(found["off"], found["absent"], strict=True)
                ]
                print(
                    json.dumps(
                        {
                            "call": name,
                            "off, ms": round(statistics.median(found["off"]), 3),
                            "absent, ms": round(statistics.median(found["absent"]), 3),
                            "ratio": round(statistics.median(pairs), 4),
                            "of the pairs": [round(each(pairs), 4) for each in (min, max)],
                        }
                    )
                )
        finally:
            absent.stop()
    print(machine())


if __name__ == "__main__":
    main()
