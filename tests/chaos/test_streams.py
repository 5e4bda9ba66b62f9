"""Pages that follow event streams while what is behind them dies, hangs and forgets.

Afterwards each page knows how every request of its user has ended: it was told, or was told to read
everything anew after that.
"""

import os
import random
import signal
import time
from collections.abc import Callable, Iterator

import httpx
import pytest

from benchmarks.measure import children_of
from tests.chaos.cluster import FINAL, KIND, Cluster
from tests.live.many import MAKE_USERS, Pages
from tests.stack import ROOT, wait_for

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(400)]
USERS = 50
REQUESTS = 40
REPORT = ROOT / ".cache" / "chaos" / "streams.md"
RANK = {"pending": 0, "processing": 1} | dict.fromkeys(FINAL, 2)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    made = Cluster(tmp_path_factory.mktemp("streams"))
    try:
        made.manage("setup")
        made.manage("shell", "-v0", "-c", MAKE_USERS % USERS)
        made.start()
        REPORT.parent.mkdir(parents=True, exist_ok=True)
        REPORT.write_text(
            "| streams | fault | requests | not told | connections |\n" + "| --- " * 5
        )
        yield made
    finally:
        made.close()


def web_process(cluster: Cluster) -> int:
    return next(children_of(cluster.processes["web"].pid))


def kill_web(cluster: Cluster) -> None:
    os.kill(web_process(cluster), signal.SIGKILL)


def hang_web(cluster: Cluster) -> None:
    process = web_process(cluster)
    os.kill(process, signal.SIGSTOP)
    time.sleep(8)
    os.kill(process, signal.SIGCONT)


def empty_broker(cluster: Cluster) -> None:
    cluster.valkey.stop()
    time.sleep(3)
    cluster.valkey.start()


@pytest.mark.parametrize(
    "count", [300, pytest.param(2000, marks=pytest.mark.slow)], ids=lambda count: f"{count} pages"
)
@pytest.mark.parametrize("fault", [kill_web, hang_web, empty_broker], ids=lambda f: f.__name__)
def test_no_page_is_left_behind(
    cluster: Cluster, fault: Callable[[Cluster], None], count: int
) -> None:
    pages = Pages(cluster.port, users=USERS, pages=count)
    try:
        wait_for(lambda: pages.opened == count, seconds=120, what="all are open")
        made = submit(cluster, REQUESTS // 2)
        fault(cluster)
        made |= submit(cluster, REQUESTS // 2)
        ended = wait_for(lambda: ends_of(cluster, made), seconds=120, what="all have ended")
        wait_for(lambda: pages.opened == count, seconds=120, what="all are open again")

        def behind() -> list[str]:
            return [
                request
                for request, user in made.items()
                for page in pages.all
                if page.number == user
                and page.told.get(request) not in FINAL
                and page.reset_at < ended[request]
            ]

        wait_for(lambda: not behind(), seconds=40, what="pages are behind")
        for page in pages.all:
            for request in made:
                ranks = [RANK[status] for each, status in page.order if each == request]
                assert ranks == sorted(ranks), "a page was taken back in time"
        connections = sum(page.connections for page in pages.all)
        row = f"| {count} | {fault.__name__} | {len(made)} | {len(behind())} | {connections} |\n"
        with REPORT.open("a") as report:
            report.write(row)
    finally:
        pages.close()
        cluster.recover()


def submit(cluster: Cluster, count: int) -> dict[str, int]:
    """Submit for users at random; return the number of the user of each that was accepted."""
    made = {}
    url = f"{cluster.url}/api/v1/{KIND}/create/"
    for _ in range(count):
        user = random.randrange(USERS)
        headers = {"Authorization": f"Token key-{user}"}
        try:
            answer = httpx.post(url, files={"file": b"one"}, headers=headers, timeout=20)
        except httpx.TransportError:
            continue
        if answer.status_code == 201:
            made[answer.json()["id"]] = user
    return made


def ends_of(cluster: Cluster, made: dict[str, int]) -> dict[str, float]:
    """Return when each has ended, in seconds since the epoch; empty while one has not."""
    rows = cluster.query(
        "SELECT id::text, extract(epoch FROM finished_at)::float"
        " FROM processing_processingrequest WHERE id = ANY(%s) AND finished_at IS NOT NULL",
        list(made),
    )
    return dict(rows) if len(rows) == len(made) else {}
