"""Status polls a second: ours, a bare DRF project's, FastAPI's, and what Django itself can do."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from benchmarks.asgi import serve_asgi
from benchmarks.drf.serve import Bare, serve_bare
from benchmarks.measure import QUICK, Answers, Figure, Section, ask, compare, rounds
from benchmarks.product import Product

ROUNDS = 5
SECONDS = 0.5 if QUICK else 4.0
CLIENTS = 4


@dataclass
class Poll:
    """The poll of one completed request of the product; the bare project has its row, too."""

    path: str
    headers: dict[str, str]
    etag: str
    bare: Bare


@contextmanager
def completed_request(product: Product) -> Iterator[Poll]:
    """Have one request completed, and serve the bare project beside the product."""
    stack = product.stack
    product.worker(1)
    with stack.client() as api:
        request = api.create("wordcount", b"one two")
        state: dict[str, Any] = api.wait("wordcount", request["id"])
        path = f"/api/v1/wordcount/status/{request['id']}/"
        etag = api.get(f"wordcount/status/{request['id']}/").headers["ETag"]
        mine = {"Authorization": api.headers["Authorization"]}
    stack.stop("worker")
    with serve_bare(product, state) as bare:
        yield Poll(path, mine, etag, bare)


def measure(product: Product) -> Section:
    """Compare the polls of one completed request; its row and its answer are the same in both."""

    def polls(
        url: str, pid: int, path: str, headers: dict[str, str], expected: int = 200, of: str = "drf"
    ) -> Callable[[], Figure]:
        def asked(seconds: float) -> Answers:
            return ask(
                url, [path], headers, connections=CLIENTS, seconds=seconds, expected=expected
            )

        def take() -> Figure:
            asked(SECONDS / 8)  # every thread has its connection to the database
            time.sleep(0.1)
            with product.spending(pid, of=of) as spent:
                answers = asked(SECONDS)
            return spent.figure(answers.per_second, answers.count)

        return take

    web = product.stack.url, product.stack.processes["web"].pid
    with completed_request(product) as poll, serve_asgi(product, poll.bare) as fast:
        bare, unchanged = poll.bare, poll.headers | {"If-None-Match": poll.etag}
        found = rounds(
            ROUNDS,
            ours=polls(*web, poll.path, poll.headers, of="app"),
            unchanged=polls(*web, poll.path, unchanged, 304, of="app"),
            drf=polls(bare.url, bare.pid, bare.status, bare.headers),
            fast=polls(fast.url, fast.pid, fast.status, fast.headers),
            django=polls(bare.url, bare.pid, "/constant/", {}),
        )
    drf, django = found["drf"], found["django"]
    named, plain = "a bare DRF view", "a plain Django view"
    return Section(
        "polls",
        [
            compare("status polls", found["ours"], named, drf, "/s", "≥ 1"),
            compare("status polls, unchanged (304)", found["unchanged"], named, drf, "/s", "≥ 1"),
            compare("status polls", found["ours"], "FastAPI and asyncpg", found["fast"], "/s"),
            compare("status polls", found["ours"], plain, django, "/s"),
        ],
    )
