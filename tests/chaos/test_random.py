"""200 requests while something random breaks every few seconds. CHAOS_SEED=2 for another run."""

import os
import random
import signal
import threading
import time
from collections.abc import Callable

import pytest
import redis

from tests.chaos.cluster import Cluster, Ledger, write_report
from tests.stack import ROOT

pytestmark = [pytest.mark.chaos, pytest.mark.slow, pytest.mark.timeout(580)]
SEED = int(os.environ.get("CHAOS_SEED", "1"))
REQUESTS = int(os.environ.get("CHAOS_REQUESTS", "200"))


def faults(cluster: Cluster) -> dict[str, Callable[[random.Random], None]]:
    def kill_child(chance: random.Random) -> None:
        worker = chance.choice(["worker1", "worker2"])
        for pid in cluster.pool_children(worker)[:1]:
            os.kill(pid, signal.SIGKILL)

    def kill_server(name: str, sign: int) -> None:
        process = getattr(cluster, name).process
        process.send_signal(sign)
        process.wait()

    def forget(_: random.Random) -> None:
        redis.Redis.from_url(cluster.valkey.url).flushall()

    return {
        "kill pool child": kill_child,
        "kill worker": lambda chance: cluster.kill(chance.choice(["worker1", "worker2"])),
        "stop worker": lambda chance: cluster.stop(chance.choice(["worker1", "worker2"])),
        "kill beat": lambda _: cluster.kill("beat"),
        "kill web": lambda _: cluster.kill("web"),
        "broker dies": lambda _: kill_server("valkey", signal.SIGKILL),
        "broker forgets": forget,
        "database stops at once": lambda _: kill_server("postgres", signal.SIGQUIT),
        "database restarts": lambda _: kill_server("postgres", signal.SIGINT),
    }


def test_random_faults(tmp_path_factory: pytest.TempPathFactory) -> None:
    cluster = Cluster(tmp_path_factory.mktemp("random"))
    chance = random.Random(SEED)
    try:
        cluster.manage("setup")
        cluster.start()
        ledger = Ledger(cluster, f"random faults, seed {SEED}")
        posting = threading.Thread(target=post, args=(ledger, random.Random(SEED)))
        posting.start()
        happened: list[str] = []
        while posting.is_alive():
            time.sleep(chance.uniform(1.5, 4))
            name, fault = chance.choice(list(faults(cluster).items()))
            fault(chance)
            happened.append(name)
            time.sleep(chance.uniform(0.2, 1))
            cluster.recover()
        posting.join()
        row = ledger.settle(work_seconds=90, web_died=True)
        row.case = f"{row.case}: {len(happened)} faults"
        write_report([row], ROOT / ".cache" / "chaos" / "random.md")
        ended = sum(row.outcomes.values())
        assert ended == row.accepted == REQUESTS
        assert row.is_good, (row, happened)
        # A job that meets three kills is given up with its reason; with these odds that is rare.
        assert row.outcomes["completed"] >= 0.97 * REQUESTS, row
    finally:
        cluster.close()


def post(ledger: Ledger, chance: random.Random) -> None:
    """Submit until enough are accepted; what is refused while something is down is sent again."""
    while len(ledger.accepted) < REQUESTS:
        if ledger.submit(b"SLEEP %.1f" % chance.uniform(0.1, 1.0)) is None:
            time.sleep(0.2)
        time.sleep(chance.uniform(0, 0.3))
