"""The fault matrix. `make chaos` runs it and prints the table of docs/reliability.md.

In each case something breaks while requests are on their way. Then: every accepted request ends,
none twice, no file is left over, and nobody waited five seconds for an answer.
"""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psycopg
import pytest
import redis

from tests.chaos.cluster import KIND, Cluster, Ledger, Row, write_report
from tests.stack import ROOT, wait_for

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(240)]
ROWS: list[Row] = []


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    made = Cluster(tmp_path_factory.mktemp("cluster"))
    try:
        made.manage("setup")
        made.start()
        yield made
    finally:
        made.close()
        write_report(ROWS, ROOT / ".cache" / "chaos" / "faults.md")


@pytest.fixture
def ledger(cluster: Cluster, request: pytest.FixtureRequest) -> Iterator[Ledger]:
    cluster.recover()
    made = Ledger(cluster, request.node.function.__doc__.strip().rstrip("."))
    yield made
    cluster.recover()
    ROWS.append(made.row)


def expect(ledger: Ledger, row: Row, **outcomes: int) -> None:
    assert row.is_good, row
    assert dict(row.outcomes) == outcomes, row


@pytest.fixture
def workers_stopped(cluster: Cluster, ledger: Ledger) -> None:
    cluster.stop("worker1", "worker2")


def test_nothing_breaks(ledger: Ledger) -> None:
    """none."""
    ledger.submit_many(12)
    expect(ledger, ledger.settle(once=True), completed=12)


def test_kill_pool_child(cluster: Cluster, ledger: Ledger) -> None:
    """kill -9 of a worker's child, at work."""
    ids = ledger.submit_many(4, b"SLEEP 3")
    ledger.wait(ids[0], "processing")
    for pid in cluster.pool_children("worker1"):
        os.kill(pid, signal.SIGKILL)
    expect(ledger, ledger.settle(), completed=4)


def test_kill_worker(cluster: Cluster, ledger: Ledger) -> None:
    """kill -9 of a worker."""
    ids = ledger.submit_many(6, b"SLEEP 3")
    ledger.wait(ids[0], "processing")
    cluster.kill("worker1")
    expect(ledger, ledger.settle(), completed=6)


def test_kill_all_workers(cluster: Cluster, ledger: Ledger) -> None:
    """kill -9 of all workers, then new ones."""
    ids = ledger.submit_many(6, b"SLEEP 3")
    ledger.wait(ids[0], "processing")
    cluster.kill("worker1")
    cluster.kill("worker2")
    cluster.recover()
    expect(ledger, ledger.settle(work_seconds=15), completed=6)


def test_kill_beat(cluster: Cluster, ledger: Ledger) -> None:
    """kill -9 of beat and of a worker."""
    ids = ledger.submit_many(4, b"SLEEP 3")
    ledger.wait(ids[0], "processing")
    cluster.kill("beat")
    cluster.kill("worker1")
    cluster.start("beat")
    expect(ledger, ledger.settle(), completed=4)


def test_kill_web_during_posts(cluster: Cluster, ledger: Ledger) -> None:
    """kill -9 of web while requests are posted."""
    stop = threading.Event()

    def post() -> None:
        while not stop.is_set():
            if ledger.submit() is None:
                time.sleep(0.1)

    with ThreadPoolExecutor(4) as pool:
        posters = [pool.submit(post) for _ in range(4)]
        for _ in range(3):
            before = len(ledger.accepted)
            wait_for(lambda b=before: len(ledger.accepted) > b + 8, what="requests are accepted")
            cluster.kill("web")
            cluster.start("web")
        stop.set()
        for poster in posters:
            poster.result()
    row = ledger.settle(web_died=True)
    expect(ledger, row, completed=row.accepted)


def test_kill_web_during_an_upload(cluster: Cluster, ledger: Ledger) -> None:
    """kill -9 of web in the middle of an upload."""
    started = threading.Event()

    def slowly() -> Iterator[bytes]:
        head = '--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
        yield head.encode()
        for _ in range(20):
            yield b"w " * 2000
            started.set()
            time.sleep(0.1)
        yield b"\r\n--x--\r\n"

    def upload() -> None:
        headers = ledger.headers | {
            "Content-Type": "multipart/form-data; boundary=x",
            "Content-Length": str(20 * 4000 + 72 + 9),
        }
        url = f"{cluster.url}/api/v1/{KIND}/create/"
        with pytest.raises(httpx.TransportError):
            httpx.post(url, content=slowly(), headers=headers, timeout=30)

    thread = threading.Thread(target=upload)
    thread.start()
    started.wait(10)
    cluster.kill("web")
    thread.join()
    cluster.recover()
    ledger.submit()
    expect(ledger, ledger.settle(once=True, web_died=True), completed=1)


def test_kill_web_between_file_and_row(cluster: Cluster, ledger: Ledger) -> None:
    """kill -9 of web when the upload is stored and its request is not yet written."""
    cluster.switch.write_text("stall")
    uploads = cluster.media / "uploads"
    before = set(uploads.glob("*/upload"))
    with ThreadPoolExecutor(2) as pool:
        cut_off = [pool.submit(ledger.submit) for _ in range(2)]
        stored = wait_for(
            lambda: new if len(new := set(uploads.glob("*/upload")) - before) == 2 else set[Path](),
            what="two uploads are stored",
        )
        cluster.kill("web")
        assert [future.result() for future in cut_off] == [None, None]
    ids = {
        str(row[0])
        for row in cluster.query("SELECT id FROM processing_processingupload WHERE held_by IS NULL")
    }
    assert {path.parent.name for path in stored} <= ids, "a file without a row"
    cluster.recover()
    ledger.submit()
    expect(ledger, ledger.settle(once=True, web_died=True), completed=1)
    assert not any(path.exists() for path in stored)


def test_broker_down_at_submit(cluster: Cluster, ledger: Ledger) -> None:
    """broker down while requests are posted."""
    assert cluster.valkey.process
    cluster.valkey.process.kill()
    cluster.valkey.process.wait()
    assert len(ledger.submit_many(3)) == 3
    cluster.recover()
    expect(ledger, ledger.settle(work_seconds=20), completed=3)


def test_broker_restarts_empty(cluster: Cluster, workers_stopped: None, ledger: Ledger) -> None:
    """broker restarted empty, messages gone."""
    ledger.submit_many(6)
    assert cluster.valkey.process
    cluster.valkey.process.kill()
    cluster.valkey.process.wait()
    cluster.recover()
    expect(ledger, ledger.settle(work_seconds=20, once=True), completed=6)


def test_database_immediate_stop(cluster: Cluster, ledger: Ledger) -> None:
    """PostgreSQL stopped at once and started, tasks at work."""
    ids = ledger.submit_many(4, b"SLEEP 3")
    ledger.wait(ids[0], "processing")
    assert cluster.postgres.process
    cluster.postgres.process.send_signal(signal.SIGQUIT)
    cluster.postgres.process.wait()
    time.sleep(1)  # the fault's own length
    cluster.recover()
    expect(ledger, ledger.settle(work_seconds=15), completed=4)


def test_every_message_three_times(cluster: Cluster, workers_stopped: None, ledger: Ledger) -> None:
    """every message delivered three times."""
    ledger.submit_many(6)
    triple_messages(cluster)
    cluster.recover()
    expect(ledger, ledger.settle(once=True), completed=6)


def triple_messages(cluster: Cluster) -> None:
    broker = redis.Redis.from_url(cluster.valkey.url)
    wait_for(lambda: broker.llen("processing"), what="a message is queued")
    messages = broker.lrange("processing", 0, -1)
    broker.rpush("processing", *messages, *messages)


def test_exception(ledger: Ledger) -> None:
    """the job raises."""
    ledger.submit_many(3, b"RAISE now")
    expect(ledger, ledger.settle(once=True), internal_error=3)


def test_memory_error(ledger: Ledger) -> None:
    """MemoryError, in the worker and in a child."""
    ledger.submit_many(2, b"MEMORY")
    ledger.submit_many(2, b"CHILD memory")
    expect(ledger, ledger.settle(once=True), out_of_memory=4)


def test_killed_each_time(ledger: Ledger) -> None:
    """killed each time, as by the kernel out of memory."""
    ledger.submit(b"DIE now")
    ledger.submit_many(3)
    expect(ledger, ledger.settle(work_seconds=60), completed=3, worker_lost=1)


def test_disk_full(cluster: Cluster, ledger: Ledger) -> None:
    """disk full: a 4 MB tmpfs."""
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(cluster.work)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip(f"no tmpfs can be mounted: {mounted.stderr.decode().strip()}")
    reserve = {"PROCESSING_DISK_RESERVE_BYTES": "0"}
    try:
        cluster.stop("worker1", "worker2", "web")
        cluster.environment |= reserve
        cluster.recover()
        for large in ledger.submit_many(2, b"WRITE 20"):
            ledger.wait(large)  # beside them there is no space for others
        ledger.submit_many(2)
        expect(ledger, ledger.settle(once=True), completed=2, disk_full=2)
    finally:
        del cluster.environment["PROCESSING_DISK_RESERVE_BYTES"]
        cluster.stop("worker1", "worker2", "web")
        subprocess.run(["umount", str(cluster.work)], check=True)


def test_storage_refuses(cluster: Cluster, ledger: Ledger) -> None:
    """storage refuses, at submit and at the end of a job."""
    ids = ledger.submit_many(2, b"SLEEP 1")
    ledger.wait(ids[0], "processing")
    cluster.switch.write_text("refuse")
    refused = ledger.call("POST", f"{KIND}/create/", files={"file": ("a.txt", b"x")})
    assert (refused.status_code, refused.json()["code"]) == (503, "storage_unavailable")
    expect(ledger, ledger.settle(once=True), storage_unavailable=2)


@pytest.mark.slow
def test_storage_hangs(cluster: Cluster, ledger: Ledger) -> None:
    """storage hangs at the end of a job."""
    cluster.switch.write_text("hang")
    _, cancelled = ledger.submit_many(2)
    wait_for(lambda: ledger.status(cancelled)["phase"] == "save", what="it is being saved")
    ledger.call("POST", f"{KIND}/cancel/{cancelled}/")
    assert ledger.wait(cancelled, seconds=5)["status"] == "cancelled"
    expect(ledger, ledger.settle(work_seconds=40), cancelled=1, time_limit=1)


def test_rolling_restart(cluster: Cluster, ledger: Ledger) -> None:
    """rolling restart of web and workers under load."""
    stop = threading.Event()
    refused: list[int] = []

    def post() -> None:
        while not stop.is_set():
            if ledger.submit(b"SLEEP 0.3") is None:
                refused.append(1)
            time.sleep(0.2)

    with ThreadPoolExecutor(2) as pool:
        posters = [pool.submit(post) for _ in range(2)]
        wait_for(lambda: len(ledger.accepted) > 4, what="load")
        for worker in ("worker1", "worker2"):
            cluster.stop(worker)
            cluster.start(worker)
        before = len(ledger.accepted)
        cluster.processes["web"].send_signal(signal.SIGHUP)  # gunicorn replaces its workers
        wait_for(lambda: len(ledger.accepted) > before + 8, what="load goes on")
        stop.set()
        for poster in posters:
            poster.result()
    row = ledger.settle(work_seconds=30)
    expect(ledger, row, completed=row.accepted)
    assert not refused, f"{len(refused)} of {row.accepted} were refused"


def test_delete_and_cancel_at_work(ledger: Ledger) -> None:
    """delete and cancel while processing."""
    ids = ledger.submit_many(4, b"SLEEP 4")
    for request_id in ids:
        ledger.wait(request_id, "processing")
    for request_id in ids[:2]:
        assert ledger.call("DELETE", f"{KIND}/delete/{request_id}/").status_code == 204
        ledger.deleted.add(request_id)
    for request_id in ids[2:]:
        ledger.call("POST", f"{KIND}/cancel/{request_id}/")
        assert ledger.wait(request_id, seconds=5)["status"] == "cancelled"
    expect(ledger, ledger.settle(once=True), cancelled=2, deleted=2)


@pytest.mark.slow
@pytest.mark.parametrize("hours", [-3, 3])
def test_clock_skew(cluster: Cluster, ledger: Ledger, hours: int) -> None:
    """a worker's clock is hours wrong."""
    ledger.row.case = f"a worker's clock is {hours:+d} hours wrong"
    cluster.stop("worker1", "worker2")
    skew = str(hours * 3600)
    cluster.start_process("worker1", cluster.commands["worker1"], CHAOS_CLOCK_SKEW=skew)
    cluster.start("worker2")
    ledger.submit_many(6, b"SLEEP 1")
    row = ledger.settle(once=True)
    cluster.stop("worker1")
    expect(ledger, row, completed=6)


def test_old_and_new_code_at_once(cluster: Cluster, ledger: Ledger) -> None:
    """a migration adds a column under running code."""
    ids = ledger.submit_many(4, b"SLEEP 2")
    ledger.wait(ids[0], "processing")
    table = "ALTER TABLE processing_processingrequest"
    with psycopg.connect(cluster.postgres.url, autocommit=True) as connection:
        connection.execute(f"{table} ADD COLUMN later text NOT NULL DEFAULT ''")
        ledger.submit_many(4)
        row = ledger.settle(once=True)
        connection.execute(f"{table} DROP COLUMN later")
    expect(ledger, row, completed=8)


@pytest.mark.slow
def test_new_feature_meets_old_workers(cluster: Cluster, ledger: Ledger) -> None:
    """requests of a new feature, half of the workers still old."""
    cluster.stop("worker1", "worker2")
    cluster.start_process("worker1", cluster.commands["worker1"], CHAOS_OLD_CODE="shortcount")
    ids = ledger.submit_many(4, kind=f"{KIND}/short")
    broker = redis.Redis.from_url(cluster.valkey.url)
    wait_for(lambda: not broker.exists("short"), what="the old worker has read the messages")
    states = {ledger.status(request_id, f"{KIND}/short")["status"] for request_id in ids}
    assert states == {"pending"}
    cluster.start("worker2")
    expect(ledger, ledger.settle(work_seconds=30, once=True), completed=4)


def test_planted_bug_is_found(cluster: Cluster, workers_stopped: None, ledger: Ledger) -> None:
    """self-check: a claim without its condition is found."""
    ledger.submit_many(6)
    triple_messages(cluster)
    for worker in ("worker1", "worker2"):
        cluster.start_process(worker, cluster.commands[worker], CHAOS_PLANT="unconditional-claim")
    row = ledger.settle(once=True)
    cluster.stop("worker1", "worker2")
    assert row.duplicates > 0, "the matrix would not have seen it"
