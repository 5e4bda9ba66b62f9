"""Clocks that differ, and beats and reapers that stand still, come twice or wake up late."""

import os
import signal
import time
from collections.abc import Iterator

import httpx
import psycopg
import pytest

from tests.chaos.cluster import LEASE_SECONDS, WORKER, Cluster, Ledger
from tests.chaos.test_faults import cluster, expect, ledger  # noqa: F401 (fixtures)
from tests.stack import wait_for

pytestmark = [pytest.mark.chaos, pytest.mark.slow, pytest.mark.timeout(240)]
MINUTES = 10


@pytest.fixture(autouse=True)
def as_before(cluster: Cluster, ledger: Ledger) -> Iterator[None]:  # noqa: F811
    yield
    for name in list(cluster.processes):
        cluster.kill(name)  # one may be frozen, or its clock be wrong


def rounds(cluster: Cluster) -> float:  # noqa: F811
    """Return when the reaper ran last, by the database's clock."""
    (row,) = cluster.query("SELECT extract(epoch FROM ran_at) FROM processing_maintenancerun")
    return float(row[0])


def lose_a_worker(cluster: Cluster, ledger: Ledger) -> None:  # noqa: F811
    """Have a worker that is no more hold two requests, and two others wait."""
    ids = ledger.submit_many(4, b"SLEEP 2")
    wait_for(lambda: ledger.row_count("status = 'processing'") == 2, what=f"2 of {ids} begin")
    cluster.kill("worker1")


@pytest.mark.parametrize("sign", [-1, 1])
def test_clocks(cluster: Cluster, ledger: Ledger, sign: int) -> None:  # noqa: F811
    """clocks of all processes differ."""
    ledger.row.case = f"workers' clocks {sign * MINUTES:+d} minutes, web's and beat's the other way"
    cluster.stop("worker1", "worker2", "beat", "web")
    seconds = sign * MINUTES * 60
    for name in ("worker1", "web", "beat"):
        skew = seconds if name == "worker1" else -seconds
        cluster.start_process(
            name, cluster.commands[name], CHAOS_CLOCK_SKEW=str(skew), METRICS_TOKEN="token"
        )
    wait_for(cluster._ready, what="web is ready")
    ledger.sign_in()
    lose_a_worker(cluster, ledger)
    cluster.start_process("worker2", cluster.commands["worker2"], CHAOS_CLOCK_SKEW=str(seconds))
    expect(ledger, ledger.settle(), completed=4)
    url, operator = f"{cluster.url}/health/full/", {"Authorization": "Bearer token"}
    health = httpx.get(url, headers=operator).json()
    assert health["checks"]["reaper"]["ok"], health


def test_beat_frozen_and_twice(cluster: Cluster, ledger: Ledger) -> None:  # noqa: F811
    """beat frozen for three leases, woken up, and a second one beside it."""
    beat = cluster.processes["beat"]
    cluster.stop("worker2")
    schedule_every_minute(cluster, since_minutes=5)
    os.killpg(beat.pid, signal.SIGSTOP)
    lose_a_worker(cluster, ledger)
    time.sleep(3 * LEASE_SECONDS)  # of nothing, which is what is tried
    os.killpg(beat.pid, signal.SIGCONT)
    cluster.start_process("beat2", cluster.commands["beat"])
    cluster.start("worker1", "worker2")
    expect(ledger, ledger.settle(), completed=4)
    made = cluster.query(
        "SELECT count(*), count(DISTINCT name) FROM processing_processingrequest"
        " WHERE kind = 'report'"
    )
    assert made in [[(5, 5)], [(6, 6)], [(7, 7)]], "each minute has one request"
    disable = "UPDATE django_celery_beat_periodictask SET enabled = false WHERE name LIKE 'sched%'"
    with psycopg.connect(cluster.postgres.url, autocommit=True) as connection:
        connection.execute(disable)


def schedule_every_minute(cluster: Cluster, *, since_minutes: int) -> None:  # noqa: F811
    """Have the schedule of reports be due each minute, and not looked at for some."""
    task = "SELECT crontab_id FROM django_celery_beat_periodictask WHERE name = 'schedule: report'"
    wait_for(lambda: cluster.query(task), what="the schedule is in the database")
    with psycopg.connect(cluster.postgres.url, autocommit=True) as connection:
        connection.execute(
            "UPDATE django_celery_beat_crontabschedule SET minute = '*', hour = '*'"
            f" WHERE id = ({task})"
        )
        connection.execute(
            "UPDATE processing_schedule SET done_until = now() - make_interval(mins => %s)",
            [since_minutes],
        )


@pytest.mark.parametrize("where", ["begins", "holds the rows", "has let go", "rings"])
def test_reaper_frozen(cluster: Cluster, ledger: Ledger, where: str) -> None:  # noqa: F811
    """a reaper frozen."""
    ledger.row.case = f"a reaper frozen when it {where}, woken up beside another"
    cluster.stop("worker2")
    lose_a_worker(cluster, ledger)
    command = [*WORKER[:-1], "1", "-n", "reaper@%h", "-Q", "maintenance"]
    cluster.start_process("reaper", command, CHAOS_FREEZE=where)

    def frozen() -> list[int]:
        files = cluster.directory.glob("journal-frozen-*")
        return [int(path.name.rpartition("-")[2]) for path in files]

    (pid,) = wait_for(frozen, what="the reaper is frozen")
    cluster.start("worker1", "worker2")
    began = rounds(cluster)
    wait_for(lambda: rounds(cluster) > began + LEASE_SECONDS, what="the other reaper has run")
    os.kill(pid, signal.SIGCONT)
    row = ledger.settle()
    (cluster.directory / f"journal-frozen-{pid}").unlink()
    expect(ledger, row, completed=4)
