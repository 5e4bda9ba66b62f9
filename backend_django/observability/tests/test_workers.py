"""What a worker and beat tell of themselves, and that they tell nothing unasked."""

import os
import signal
import subprocess
import sys

import pytest
from billiard.exceptions import WorkerLostError

from backend_django.observability.workers import PoolCollector, usage
from scripts.processes import dies_with_parent
from tests.stack import ROOT, wait_for

BUSY = "import os; os.fork(); x = bytearray(40_000_000)\nwhile True: pass"


def test_processes_below_are_counted_while_they_run_and_after() -> None:
    before, _ = usage(os.getpid())
    process = subprocess.Popen(
        [sys.executable, "-c", BUSY], start_new_session=True, preexec_fn=dies_with_parent()
    )
    try:
        wait_for(lambda: usage(process.pid)[1] > 80_000_000, what="memory of both")
        wait_for(lambda: usage(os.getpid())[0] > before + 0.2, what="time of both")
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert usage(os.getpid())[0] > before + 0.1  # of the one that we have waited for


def test_a_process_that_was_lost_counts_and_a_failure_does_not() -> None:
    collector = PoolCollector(2)
    collector.count_lost(exception=WorkerLostError("signal 9"))
    collector.count_lost(exception=ValueError())
    found = {one.name: one.samples[0].value for one in collector.collect()}
    assert found["celery_worker_lost_processes"] == 1
    assert found["celery_worker_processes"] == 2
    assert found["celery_worker_busy_processes"] == 0


@pytest.mark.slow
def test_without_the_port_nothing_of_it_is_loaded() -> None:
    script = (
        "import sys, django; django.setup();"
        "print([n for n in sys.modules if n.endswith('observability.workers')])"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr
