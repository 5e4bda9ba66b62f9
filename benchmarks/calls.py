"""Processor time of single calls: ours, bare Django's, a bare DRF project's, and WhiteNoise's."""

from collections.abc import Callable
from dataclasses import dataclass, field

from benchmarks.drf.serve import PAGE
from benchmarks.measure import QUICK, Section, ask, compare, cpu_seconds, rounds
from benchmarks.polls import completed_request
from benchmarks.product import Product

ROUNDS = 5
CALLS = 100 if QUICK else 600
CLIENTS = 4


@dataclass
class Call:
    """A call of a server, over and over."""

    url: str
    pid: int  # of the server's main process
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    expected: int = 200

    def repeat(self, calls: int) -> None:
        ask(
            self.url, [self.path], self.headers,
            connections=CLIENTS, calls=calls, expected=self.expected,
        )  # fmt: skip

    def cost(self, calls: int = CALLS) -> float:
        """Return the milliseconds of processor time that it costs the server."""
        self.repeat(calls // 10)  # every thread has its connection to the database
        before = cpu_seconds(self.pid)
        self.repeat(calls)
        return (cpu_seconds(self.pid) - before) / calls * 1000


def measure(product: Product) -> Section:
    """Compare the processor time of calls; waiting and what else the machine does do not count."""
    stack = product.stack
    script = next((PAGE.parent / "assets").glob("vue-*.js")).name
    with completed_request(product) as poll:
        session = product.session_cookie()

        def ours(path: str, expected: int = 200, **headers: str) -> Callable[[], float]:
            return Call(stack.url, stack.processes["web"].pid, path, headers, expected).cost

        def bare(path: str, **headers: str) -> Callable[[], float]:
            return Call(poll.bare.url, poll.bare.pid, path, headers).cost

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
            drf=bare(poll.bare.status, **poll.bare.headers),
            constant=bare("/constant/"),
            page=bare("/page/"),
            file=bare(f"/files/assets/{script}", **packed),
        )
    drf, django, noise = "a bare DRF view", "a plain Django view", "WhiteNoise alone"
    return Section(
        "calls",
        [
            compare("status poll", found["poll"], drf, found["drf"], "ms"),
            compare("status poll", found["poll"], django, found["constant"], "ms"),
            compare("unchanged (304)", found["unchanged"], "status poll", found["poll"], "ms"),
            compare("status poll by session", found["by_session"], drf, found["drf"], "ms"),
            compare("version-info", found["version"], django, found["constant"], "ms"),
            compare("index.html", found["index"], f"{django}, same page", found["page"], "ms"),
            compare("script of the page", found["asset"], noise, found["file"], "ms"),
        ],
    )
