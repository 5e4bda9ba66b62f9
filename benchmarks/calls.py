"""Processor time and statements of single calls: ours, bare projects', WhiteNoise's and nginx's."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from os import urandom
from pathlib import Path

from benchmarks.asgi import serve_asgi
from benchmarks.drf.serve import PAGE
from benchmarks.measure import QUICK, Figure, Section, ask, compare, compare_with_goal, rounds
from benchmarks.nginx import serve_files
from benchmarks.polls import completed_request
from benchmarks.product import Product

ROUNDS = 5
CALLS = 100 if QUICK else 600
MANY = 10 * CALLS  # of those that are over within ticks of the clock
CLIENTS = 4
FILE_BYTES = 1 << 20


@dataclass
class Call:
    """A call of a server, over and over."""

    product: Product
    url: str
    pid: int  # of the server's main process
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    expected: int = 200
    database: str = "app"

    def repeat(self, calls: int) -> None:
        ask(
            self.url, [self.path], self.headers,
            connections=CLIENTS, calls=calls, expected=self.expected,
        )  # fmt: skip

    def cost(self, calls: int = CALLS) -> Figure:
        """Return the milliseconds of processor time that it costs the server."""
        self.repeat(calls // 10)  # every thread has its connection to the database
        with self.product.spending(self.pid, of=self.database) as spent:
            self.repeat(calls)
        return Figure(spent.cpu / calls * 1000, statements=spent.statements / calls)


def completed_file(product: Product) -> tuple[str, Path]:
    """Have a request completed with a file of FILE_BYTES; return its address, and the file."""
    product.worker(1)
    with product.stack.client() as api:
        made = api.create("wordcount/copy", urandom(FILE_BYTES), "a.bin")
        assert api.wait("wordcount/copy", made["id"])["status"] == "completed"
    (file, *_) = (each for each in product.stack.media.rglob("*") if each.is_file())
    return f"/api/v1/wordcount/copy/download-file/{made['id']}/", file


def measure(product: Product) -> Section:
    """Compare the processor time of calls; waiting and what else the machine does do not count."""
    stack = product.stack
    script = next((PAGE.parent / "assets").glob("vue-*.js")).name
    download, file = completed_file(product)
    with (
        completed_request(product) as poll,
        serve_asgi(product, poll.bare) as fast,
        serve_files(product, PAGE.parent / "assets", file) as nginx,
    ):
        session = product.session_cookie()

        def ours(path: str, expected: int = 200, /, **headers: str) -> Callable[[], Figure]:
            web = stack.processes["web"].pid
            return Call(product, stack.url, web, path, headers, expected).cost

        def bare(path: str, **headers: str) -> Callable[[], Figure]:
            return Call(
                product, poll.bare.url, poll.bare.pid, path, headers, database="drf"
            ).cost  # fmt: skip

        mine, packed = poll.headers, {"Accept-Encoding": "gzip"}
        unchanged = {"If-None-Match": poll.etag}
        found = rounds(
            ROUNDS,
            poll=ours(poll.path, **mine),
            unchanged=ours(poll.path, 304, **mine, **unchanged),
            by_session=ours(poll.path, Cookie=session),
            version=ours("/api/v1/version-info/"),
            index=ours("/"),
            asset=ours(f"/static/vue/assets/{script}", **packed),
            download=ours(download, **mine),
            drf=bare(poll.bare.status, **poll.bare.headers),
            fast=Call(product, fast.url, fast.pid, fast.status, fast.headers, database="drf").cost,
            constant=bare("/constant/"),
            page=bare("/page/"),
            file=bare(f"/files/assets/{script}", **packed),
            nginx_packed=partial(Call(product, *nginx, f"/packed/{script}.gz").cost, MANY),
            nginx_file=partial(Call(product, *nginx, "/file").cost, MANY),
        )
    drf, django, noise = "a bare DRF view", "a plain Django view", "WhiteNoise alone"
    return Section(
        "calls",
        [
            compare("status poll", found["poll"], drf, found["drf"], "ms"),
            compare("status poll", found["poll"], "FastAPI and asyncpg", found["fast"], "ms"),
            compare("status poll", found["poll"], django, found["constant"], "ms"),
            compare_with_goal("status poll", found["poll"], 1.5, "ms"),
            compare(
                "unchanged (304)", found["unchanged"], "status poll", found["poll"], "ms", "≤ 0.6"
            ),
            compare("status poll by session", found["by_session"], drf, found["drf"], "ms"),
            compare("version-info", found["version"], django, found["constant"], "ms"),
            compare("index.html", found["index"], f"{django}, same page", found["page"], "ms"),
            compare_with_goal("index.html", found["index"], 1.2, "ms"),
            compare("script of the page", found["asset"], noise, found["file"], "ms"),
            compare("script of the page", found["asset"], "nginx", found["nginx_packed"], "ms"),
            compare("file of 1 MiB", found["download"], "nginx", found["nginx_file"], "ms"),
        ],
    )
