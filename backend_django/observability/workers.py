"""Metrics of workers and beat, on an inside port of their own, for Prometheus.

Of a worker: processes of its pool and those at work, those that were lost at work, memory and
processor time of all of them and their jobs, and the space that is left for jobs. Of both:
prometheus_client's look at the process.
"""

import logging
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from billiard.exceptions import WorkerLostError
from celery.signals import after_task_publish, beat_init, task_failure, worker_ready
from celery.worker import state
from prometheus_client import REGISTRY, Counter, Metric, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from backend_django.files.storage import free_bytes

from . import configure

logger = logging.getLogger(__name__)
TICKS, PAGE = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")


class PoolCollector:
    """Looks at a worker's pool when it is asked to."""

    def __init__(self, processes: int) -> None:
        self.processes = processes
        self.lost = 0
        task_failure.connect(self.count_lost)

    def count_lost(self, *, exception: BaseException | None = None, **_: Any) -> None:
        self.lost += isinstance(exception, WorkerLostError)

    def collect(self) -> Iterable[Metric]:
        yield GaugeMetricFamily(
            "celery_worker_processes", "Processes of the pool.", value=self.processes
        )
        yield GaugeMetricFamily(
            "celery_worker_busy_processes",
            "Those of them that are at work.",
            value=min(self.processes, len(state.active_requests)),
        )
        yield CounterMetricFamily(
            "celery_worker_lost_processes", "Those that ended at work.", value=self.lost
        )
        seconds, size = usage(os.getpid())
        yield CounterMetricFamily(
            "celery_worker_cpu_seconds", "Of the worker, its pool and their jobs.", value=seconds
        )
        yield GaugeMetricFamily(
            "celery_worker_memory_bytes", "Of the worker, its pool and their jobs.", value=size
        )
        yield GaugeMetricFamily(
            "celery_worker_disk_free_bytes",
            "Space left where its jobs work, the reserve not counted.",
            value=free_bytes(),
        )


def usage(root: int) -> tuple[float, int]:
    """Return the processor seconds and the resident bytes of a process and all below it.

    The seconds of those that have ended are among those of whoever waited for them.
    """
    children: dict[int, list[int]] = {}
    used: dict[int, tuple[int, int]] = {}
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = file.read_text(errors="replace").rpartition(")")[2].split()
        except OSError:  # it has just ended
            continue
        pid = int(file.parent.name)
        children.setdefault(int(fields[1]), []).append(pid)
        used[pid] = sum(map(int, fields[11:15])), int(fields[21])
    pids = [root]
    for pid in pids:  # grows as it goes
        pids += children.get(pid, [])
    seen = [used[pid] for pid in pids if pid in used]
    return sum(ticks for ticks, _ in seen) / TICKS, sum(pages for _, pages in seen) * PAGE


def serve() -> None:
    """Serve /metrics, and nothing else. Work is done without it if the port is taken."""
    try:
        start_http_server(configure.CELERY_METRICS_PORT, os.environ.get("HOST", "127.0.0.1"))
    except OSError as error:
        logger.error("no metrics on port %d: %s", configure.CELERY_METRICS_PORT, error)


@worker_ready.connect
def measure_worker(*, sender: Any, **_: Any) -> None:
    REGISTRY.register(PoolCollector(getattr(sender.pool, "num_processes", 1)))
    serve()


@beat_init.connect
def measure_beat(**_: Any) -> None:
    sent = Counter("celery_beat_sent", "What beat has sent, by task.", ["task"])

    def count(*, sender: str, **_: Any) -> None:
        sent.labels(sender).inc()

    after_task_publish.connect(count, weak=False)
    serve()
