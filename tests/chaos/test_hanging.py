"""The twins of the faults that refuse: each server hangs, is slow, or resets its connections.

While it does, requests are posted and the health check is asked. Afterwards all that was accepted
ends, once, and in a way that says what happened.
"""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.chaos.cluster import Ledger, ProxiedCluster, Row, write_report
from tests.of_modules import of_modules
from tests.proxy import BANDWIDTH, HALF_OPEN, LATENCY, RESETS, Fault
from tests.stack import ROOT, wait_for

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(240)]
FAULT_SECONDS = 8
POSTERS = 4
BACK_SECONDS = 10
FAULTS: list[Any] = [
    HALF_OPEN,
    RESETS,
    pytest.param(LATENCY, marks=pytest.mark.slow),
    pytest.param(BANDWIDTH, marks=pytest.mark.slow),
]
ROWS: list[Row] = []

STORAGES = of_modules("STORAGE")
SERVERS = ["database", "broker", *(["storage"] if STORAGES else [])]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProxiedCluster]:
    directory = tmp_path_factory.mktemp("hanging")
    storage: Any = STORAGES[0](directory / "storage").start() if STORAGES else None
    made = ProxiedCluster(directory, storage)
    try:
        made.manage("setup")
        made.start()
        yield made
    finally:
        made.close()
        if storage:
            storage.stop()
        write_report(ROWS, ROOT / ".cache" / "chaos" / "hanging.md")


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
@pytest.mark.parametrize("server", SERVERS)
def test_hanging(cluster: ProxiedCluster, server: str, fault: Fault) -> None:
    cluster.recover()
    ledger = Ledger(cluster, f"{server}: {fault.name}, tasks at work")
    ROWS.append(ledger.row)
    ids = ledger.submit_many(2, b"SLEEP 3")
    ledger.wait(ids[0], "processing")
    alive: list[int] = []

    def post() -> None:
        while not over.wait(0.2):
            ledger.submit()

    def look() -> None:
        while not over.wait(0.2):
            alive.append(httpx.get(f"{cluster.url}/health/live", timeout=30).status_code)

    over = threading.Event()
    with cluster.proxies[server].broken(fault), ThreadPoolExecutor(POSTERS + 1) as pool:
        at_work = [pool.submit(post) for _ in range(POSTERS)] + [pool.submit(look)]
        time.sleep(FAULT_SECONDS)
        over.set()
        for one in at_work:
            one.result()
    wait_for(ledger.submit, seconds=BACK_SECONDS, what="a POST is accepted again")
    row = ledger.settle(work_seconds=40, web_died=True)
    assert row.is_good, row
    assert set(alive) == {200}
    assert set(ledger.answers) <= {201, 503}, ledger.answers
    said = {"completed", "storage_unavailable"} if server == "storage" else {"completed"}
    assert set(row.outcomes) <= said, row
