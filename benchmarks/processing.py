"""What the lifecycle costs, against bare Celery and a bare DRF view, in one run.

    make bench

Each figure is a ratio to a baseline measured in the same run on the same servers; the rounds of
both alternate and the median counts. Seconds depend on the machine, ratios much less.
"""

import os
import statistics
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import redis

from scripts.services import Postgres, Valkey
from tests.stack import ROOT, Stack

ROUNDS = 3
REQUESTS = 150
LATENCY_SAMPLES = 20
POLL_SECONDS = 3.0
CLIENTS = 4
APPS = "tests.wordcount.apps.WordCountConfig,benchmarks.bare.BareConfig"
WORKER = ["celery", "-A", "backend_django.config.celery_app", "worker", "--loglevel", "WARNING"]


class Bench:
    """The product on private servers, with a worker of a given concurrency."""

    def __init__(self, directory: Path, postgres: Postgres, valkey: Valkey) -> None:
        self.stack = Stack(
            directory, postgres.url, REDIS_URL=valkey.url, TEST_APPS=APPS, LOG_LEVEL="WARNING"
        )
        self.broker = redis.Redis.from_url(valkey.url)
        self.stack.manage("setup")
        self.stack.start("web")

    def worker(self, concurrency: int) -> None:
        if "worker" in self.stack.processes:
            self.stack.stop("worker")
        self.stack.start_process("worker", [*WORKER, "-c", str(concurrency)])
        self.bare(5)

    def bare(self, count: int) -> float:
        """Send `count` empty Celery tasks and wait for the last; tasks a second."""
        return count / float(self.stack.manage("bench", "bare", str(count)))

    def requests(self, count: int) -> float:
        """The same with requests: claimed, worked on, finished with a result; requests a second."""
        return count / float(self.stack.manage("bench", "requests", str(count)))

    def latency(self, kind: str) -> float:
        """Median seconds from sending one to seeing that it is done."""
        return float(self.stack.manage("bench", f"latency-{kind}", str(LATENCY_SAMPLES)))


def answers_per_second(url: str, path: str, headers: dict[str, str], expected: int) -> float:
    """Ask as fast as a few keep-alive clients can, for a fixed time."""
    parts = urlsplit(url)
    stop = threading.Event()

    def ask(_: int) -> int:
        connection, count = HTTPConnection(parts.hostname or "", parts.port), 0
        while not stop.is_set():
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            answer.read()
            assert answer.status == expected, (path, answer.status)
            count += 1
        connection.close()
        return count

    with ThreadPoolExecutor(CLIENTS) as pool:
        futures = [pool.submit(ask, number) for number in range(CLIENTS)]
        time.sleep(POLL_SECONDS)
        stop.set()
        return sum(future.result() for future in futures) / POLL_SECONDS


def columns(rows: list[tuple[float, ...]]) -> list[list[float]]:
    return [list(column) for column in zip(*rows, strict=True)]


def compare(name: str, baseline: str, ours: list[float], theirs: list[float], unit: str) -> str:
    ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
    print(f"{name}: {ratio:.2f} × {baseline}", file=sys.stderr, flush=True)
    mine, base = statistics.median(ours), statistics.median(theirs)
    return f"| {name} | {mine:.3g} {unit} | {baseline} | {base:.3g} {unit} | {ratio:.2f} |"


def main() -> None:
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "backend_django.config.settings.test",
        "PYTHONPATH": str(ROOT),
    }
    rows = ["| what | ours | baseline | baseline's | ratio |", "| --- | --- | --- | --- | --- |"]
    with (
        tempfile.TemporaryDirectory() as directory,
        Postgres(None, durable=True) as postgres,
        Valkey(None) as valkey,
    ):
        bench = Bench(Path(directory), postgres, valkey)
        try:
            for concurrency in (1, 2):
                bench.worker(concurrency)
                pairs = [(bench.requests(REQUESTS), bench.bare(REQUESTS)) for _ in range(ROUNDS)]
                name = f"empty requests, {concurrency} at once"
                rows.append(
                    compare(name, "empty Celery tasks", *map(list, zip(*pairs, strict=True)), "/s")
                )
            pairs = [(bench.latency("request"), bench.latency("bare")) for _ in range(ROUNDS)]
            rows.append(
                compare(
                    "submit → completed", "send → done", *map(list, zip(*pairs, strict=True)), "s"
                )
            )
            rows += polling(bench)
        finally:
            bench.stack.stop()
    print("\n".join(rows))


def polling(bench: Bench) -> list[str]:
    """Status polls against a DRF view that returns a constant, with the same authentication."""
    with bench.stack.client() as api:
        request = api.create("wordcount", b"one two")
        api.wait("wordcount", request["id"])
        path = f"/api/v1/wordcount/status/{request['id']}/"
        etag = api.get(f"wordcount/status/{request['id']}/").headers["ETag"]
        auth = {"Authorization": api.headers["Authorization"]}
    url, bare = bench.stack.url, "/api/v1/bare/"
    rounds = [
        (
            answers_per_second(url, path, auth, 200),
            answers_per_second(url, path, auth | {"If-None-Match": etag}, 304),
            answers_per_second(url, bare, auth, 200),
        )
        for _ in range(ROUNDS)
    ]
    full, unchanged, baseline = columns(rounds)
    return [
        compare("status polls", "a bare DRF view", full, baseline, "/s"),
        compare("status polls, unchanged (304)", "a bare DRF view", unchanged, baseline, "/s"),
    ]


if __name__ == "__main__":
    main()
