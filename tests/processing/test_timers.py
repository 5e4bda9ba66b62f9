"""Celery's time limits, which are nets below the engine's own."""

import subprocess
import sys
from types import SimpleNamespace

import pytest
from kombu.asynchronous import Hub

from backend_django.processing import worker
from tests.stack import wait_for


def test_cancelled_timers_go_and_others_stay_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "TIDY_SECONDS", 0.01)
    hub = Hub()
    try:
        began: list[int] = []
        for number in range(1000):
            limit = hub.call_later(3600, began.append, number)
            limit.cancel()
        for number in (3, 1, 2):
            hub.call_later(-number, began.append, number)
        worker.tidy_timers(SimpleNamespace(hub=hub))

        def only_tidying_is_left() -> bool:
            hub.fire_timers()
            return len(hub.timer) == 1

        wait_for(only_tidying_is_left, seconds=5)
        assert began == [3, 2, 1]
    finally:
        hub.close()


def test_pool_of_threads_has_no_event_loop() -> None:
    worker.tidy_timers(SimpleNamespace(hub=None))


def test_celery_ends_no_job_that_its_kind_allows_to_take_longer_than_most() -> None:
    script = """
from datetime import timedelta
from backend_django.config.celery_app import app
app.loader.init_worker()
from backend_django.processing.enqueue import TASK
from backend_django.processing.registry import get_processor
get_processor("wordcount").timeout = timedelta(hours=2)
app.Worker(loglevel="ERROR")
print(app.tasks[TASK].soft_time_limit, app.tasks[TASK].time_limit)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    soft, hard = map(float, done.stdout.split())
    assert 7200 < soft < hard
