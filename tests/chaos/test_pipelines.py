"""Every fault of the matrix over pipelines of three stages with a fan-out of 20, and schedules."""

import os
import random
import signal
import time
from collections.abc import Callable, Iterator

import psycopg
import pytest
import redis

from tests.chaos.cluster import (
    KIND,
    LEASE_SECONDS,
    Cluster,
    Ledger,
    ProxiedCluster,
    Row,
    write_report,
)
from tests.chaos.test_random import faults
from tests.proxy import BANDWIDTH, HALF_OPEN, LATENCY, RESETS, Fault
from tests.stack import ROOT, wait_for

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(240)]
ROWS: list[Row] = []
LINES = 20
STEPS = LINES + 2
DUE = 30  # times at which the schedule was due before it is looked at
SLOW = {"kill beat", "kill web", "stop worker", "broker dies", "database restarts"}
HANGING = {
    f"{server}: {fault.name}": (server, fault)
    for server in ("database", "broker")
    for fault in (HALF_OPEN, RESETS, LATENCY, BANDWIDTH)
}
SLOW |= {name for name, (_, fault) in HANGING.items() if fault is not HALF_OPEN}
FAULT_SECONDS = 6
Inject = Callable[[random.Random], None]


def more_faults(cluster: Cluster) -> dict[str, Inject]:
    """Return those that the random test has not: they take long, or need a retry."""

    def freeze_worker(chance: random.Random) -> None:
        worker = chance.choice(["worker1", "worker2"])
        pids = [cluster.processes[worker].pid, *cluster.pool_children(worker)]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        time.sleep(LEASE_SECONDS + 2)
        for pid in pids:
            os.kill(pid, signal.SIGCONT)

    def restart_worker(**environment: str) -> None:
        cluster.stop("worker1")
        cluster.start_process("worker1", cluster.commands["worker1"], **environment)

    def skew_clock(chance: random.Random) -> None:
        restart_worker(CHAOS_CLOCK_SKEW=str(chance.choice([-3, 3]) * 3600))

    def fill_disk(_: random.Random) -> None:
        restart_worker(PROCESSING_DISK_RESERVE_BYTES=str(10**15))
        time.sleep(2)
        cluster.stop("worker1")

    def migrate(_: random.Random) -> None:
        table = "ALTER TABLE processing_processingrequest"
        with psycopg.connect(cluster.postgres.url, autocommit=True) as connection:
            connection.execute(f"{table} ADD COLUMN later text NOT NULL DEFAULT ''")
            time.sleep(2)
            connection.execute(f"{table} DROP COLUMN later")

    def triple_messages(_: random.Random) -> None:
        broker = redis.Redis.from_url(cluster.valkey.url)
        for queue in ("processing", "default"):
            if messages := broker.lrange(queue, 0, -1):
                broker.rpush(queue, *messages, *messages)

    def restart_all(_: random.Random) -> None:
        for worker in ("worker1", "worker2"):
            cluster.stop(worker)
            cluster.start(worker)
        cluster.processes["web"].send_signal(signal.SIGHUP)

    def break_storage(mode: str, seconds: float) -> Inject:
        def inject(_: random.Random) -> None:
            cluster.switch.write_text(mode)
            time.sleep(seconds)

        return inject

    return {
        "a worker is frozen over its lease": freeze_worker,
        "a worker's clock is three hours wrong": skew_clock,
        "every message delivered three times": triple_messages,
        "rolling restart": restart_all,
        "a worker that does not know the kind": lambda _: restart_worker(CHAOS_OLD_CODE="digest"),
        "a migration adds a column": migrate,
        "a worker without disk space": fill_disk,
        "storage refuses": break_storage("refuse", 1),
        "storage hangs": break_storage("hang", 1),
    }


RETRIED = {"a worker without disk space", "storage refuses", "storage hangs"}
MORE = [*more_faults(None)]  # type: ignore[arg-type]
SLOW |= {*MORE}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProxiedCluster]:
    made = ProxiedCluster(tmp_path_factory.mktemp("cluster"))
    try:
        made.manage("setup")
        made.start()
        wait_for(
            lambda: made.query("SELECT 1 FROM django_celery_beat_periodictask WHERE name LIKE %s",
                               "schedule: report"),
            what="the schedule is there",
        )  # fmt: skip
        yield made
    finally:
        made.close()
        write_report(ROWS, ROOT / ".cache" / "chaos" / "pipelines.md")


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else [])
        for name in [*faults(None), *MORE, *HANGING]  # type: ignore[arg-type]
    ],
)
def test_fault(cluster: ProxiedCluster, name: str) -> None:
    cluster.recover()
    ledger = Ledger(cluster, f"three times: {name}")
    chance = random.Random(name)
    make_schedule_due(cluster)
    text = "\n".join(["SLEEP 1"] * LINES)
    for _ in range(2):
        submitted = None
        while submitted is None:
            submitted = ledger.submit(text.encode(), f"{KIND}/digest")
    for _ in range(3):
        time.sleep(chance.uniform(0.5, 3))
        if name in HANGING:
            hang(cluster, *HANGING[name])
        else:
            (faults(cluster) | more_faults(cluster))[name](chance)
        time.sleep(chance.uniform(0.2, 1))
        cluster.recover()
    row = ledger.settle(work_seconds=60)
    if name in RETRIED:
        assert {*row.outcomes} <= {"completed", "step_failed"}, row
        for pipeline in ledger.accepted:  # refused where it has completed
            ledger.call("POST", f"{KIND}/digest/retry/{pipeline}/")
        row = ledger.settle(work_seconds=60)
    ROWS.append(row)
    assert row.is_good, row
    assert dict(row.outcomes) == {"completed": 2}, row
    for pipeline in ledger.accepted:
        steps = cluster.query(
            "SELECT step.step_key, count(*) FROM processing_processingrequest AS step"
            " JOIN processing_processingattempt AS attempt ON attempt.request_id = step.id"
            " WHERE step.parent_id = %s AND attempt.outcome = 'completed' GROUP BY 1",
            pipeline,
        )
        assert len(steps) == STEPS, f"steps are missing: {steps}"
        assert {count for _, count in steps} == {1}, f"steps were done twice: {steps}"
    check_schedule(cluster)
    if name in MORE:  # it may be an odd one
        cluster.stop("worker1")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "code"),
    [("RAISE now", "internal_error"), ("MEMORY", "out_of_memory"), ("DIE now", "worker_lost")],
)
def test_step_that_fails_each_time(cluster: ProxiedCluster, line: str, code: str) -> None:
    cluster.recover()
    ledger = Ledger(cluster, f"two tries of a pipeline, a step of which ends {code}")
    lines = [*["one two"] * (LINES - 1), line]
    pipeline = ledger.submit("\n".join(lines).encode(), f"{KIND}/digest")
    for _ in range(2):
        row = ledger.settle(work_seconds=90)
        assert row.is_good, row
        assert dict(row.outcomes) == {"step_failed": 1}, row
        failed = cluster.query(
            "SELECT error_code FROM processing_processingrequest"
            " WHERE parent_id = %s AND status <> 'completed'",
            pipeline,
        )
        assert failed == [(code,)], "only that step has failed"
        answer = ledger.call("POST", f"{KIND}/digest/retry/{pipeline}/")
        assert answer.status_code == 200, answer.text
    ROWS.append(ledger.settle(work_seconds=90))
    twice = cluster.query(
        "SELECT step.step_key FROM processing_processingrequest AS step"
        " JOIN processing_processingattempt AS attempt ON attempt.request_id = step.id"
        " WHERE step.parent_id = %s AND attempt.outcome = 'completed'"
        " GROUP BY 1 HAVING count(*) > 1",
        pipeline,
    )
    assert not twice, "what was completed was done again"


@pytest.mark.slow
def test_delete_and_cancel_at_work(cluster: ProxiedCluster) -> None:
    cluster.recover()
    ledger = Ledger(cluster, "two pipelines, deleted and cancelled at work")
    text = "\n".join(["SLEEP 1"] * LINES).encode()
    deleted, cancelled = ledger.submit_many(2, text, f"{KIND}/digest")
    for pipeline in (deleted, cancelled):
        wait_for(
            lambda pipeline=pipeline: cluster.query(
                "SELECT 1 FROM processing_processingrequest WHERE parent_id = %s"
                " AND step_key LIKE 'count-%%' AND status = 'processing'",
                pipeline,
            ),
            seconds=60,
            what="its steps are at work",
        )
        if pipeline == deleted:
            assert ledger.call("DELETE", f"{KIND}/digest/delete/{pipeline}/").status_code == 204
            ledger.deleted.add(pipeline)
        else:
            answer = ledger.call("POST", f"{KIND}/digest/cancel/{pipeline}/")
            assert answer.status_code == 200, answer.text
    row = ledger.settle(work_seconds=30)
    ROWS.append(row)
    assert row.is_good, row
    assert dict(row.outcomes) == {"deleted": 1, "cancelled": 1}, row


def hang(cluster: ProxiedCluster, server: str, fault: Fault) -> None:
    with cluster.proxies[server].broken(fault):
        time.sleep(FAULT_SECONDS)


def make_schedule_due(cluster: Cluster) -> None:
    """Have beats find that a schedule of every minute was not looked at for half an hour."""
    cluster.query(
        "WITH old AS (SELECT id FROM processing_processingrequest WHERE kind = 'report'),"
        " results AS (DELETE FROM processing_processingresult"
        "  WHERE request_id IN (SELECT id FROM old)),"
        " attempts AS (DELETE FROM processing_processingattempt"
        "  WHERE request_id IN (SELECT id FROM old)),"
        " notes AS (DELETE FROM notifications_notification"
        "  WHERE request_id IN (SELECT id FROM old)),"
        " requests AS (DELETE FROM processing_processingrequest"
        "  WHERE id IN (SELECT id FROM old)),"
        " crontab AS (UPDATE django_celery_beat_crontabschedule SET minute = '*', hour = '*'"
        "  WHERE id = (SELECT crontab_id FROM django_celery_beat_periodictask"
        "   WHERE name = 'schedule: report'))"
        " UPDATE processing_schedule SET done_until = date_trunc('minute', now())"
        " - make_interval(mins => %s) WHERE kind = 'report' RETURNING 1",
        DUE,
    )


def check_schedule(cluster: Cluster) -> None:
    """Each due time, and each once: the names say which."""

    def made() -> list[str]:
        rows = cluster.query(
            "SELECT name FROM processing_processingrequest WHERE kind = 'report' ORDER BY 1"
        )
        return [row[0] for row in rows]

    wait_for(lambda: len(made()) >= DUE, seconds=60, what="what was due is made up for")
    names = made()
    assert len(set(names)) == len(names), "a due time made two requests"
    assert len(names) <= DUE + 5, "more than were due"
