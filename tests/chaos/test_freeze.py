"""Workers that stand still for longer than their lease, and go on when another has their work.

As after `docker pause`, the move of a virtual machine or a laptop's lid. 4 × 15 processes.
"""

import os
import signal

import pytest

from tests.chaos.cluster import WORKER, Cluster, Ledger
from tests.chaos.test_faults import cluster, ledger  # noqa: F401 (fixtures)
from tests.stack import wait_for

pytestmark = [pytest.mark.chaos, pytest.mark.slow, pytest.mark.timeout(240)]
COUNT = 15


@pytest.mark.parametrize("where", ["claim", "work", "save", "finish"])
def test_frozen_workers(cluster: Cluster, ledger: Ledger, where: str) -> None:  # noqa: F811
    """workers frozen over their lease."""
    ledger.row.case = f"{COUNT} workers frozen over their lease at: {where}"
    cluster.stop("worker1", "worker2")
    many = [*WORKER[:-1], str(COUNT), "-n", "frozen@%h"]
    cluster.start_process("worker1", many, CHAOS_FREEZE=where)
    ledger.submit_many(COUNT, b"SLEEP 0.5")

    def frozen() -> list[int]:
        files = cluster.directory.glob("journal-frozen-*")
        return [int(path.name.rpartition("-")[2]) for path in files]

    wait_for(lambda: len(frozen()) == COUNT, what="all of its processes are frozen")
    pids = frozen()
    cluster.start("worker2")
    wait_for(
        lambda: ledger.row_count("attempt = 2 AND status = 'completed'") >= 3,
        what="the other worker has taken over",
    )
    for pid in pids:
        os.kill(pid, signal.SIGCONT)
    row = ledger.settle(work_seconds=20)
    for path in cluster.directory.glob("journal-frozen-*"):
        path.unlink()
    cluster.stop("worker1")
    assert row.is_good, row
    assert dict(row.outcomes) == {"completed": COUNT}
    attempts = cluster.query(
        "SELECT count(*) FROM processing_processingattempt WHERE outcome = 'failed'"
        " AND request_id = ANY(%s::uuid[])",
        ledger.accepted,
    )
    assert attempts == [(0,)]
