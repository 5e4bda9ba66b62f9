"""Metrics for operators: is work being done, and is anything stuck?"""

import logging
import time
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from celery import current_app
from django.conf import settings
from django.core.cache import caches
from django.db import InterfaceError, OperationalError, connection
from django.db.models import Count, F, Min
from django.db.models.functions import Greatest, Now
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily

from backend_django.files.storage import check_storage, free_bytes
from backend_django.processing.lifecycle import NEVER
from backend_django.processing.models import (
    MaintenanceRun,
    PausedKind,
    ProcessingAttempt,
    ProcessingRequest,
)

logger = logging.getLogger(__name__)
COUNT_SECONDS, KEEP_SECONDS = 60, 3600  # of all requests: how often, and while that fails
RECENT = timedelta(hours=1)  # what "lately" means for durations and attempts
Status = ProcessingRequest.Status


def waiting() -> dict[str, tuple[int, float]]:
    """Return by queue how many requests wait for a worker, and for how many seconds the oldest has.

    Neither what is scheduled for later, nor pipelines, which have no worker, nor paused kinds, of
    which no worker may take any.
    """
    queues = {queue.name: (0, 0.0) for queue in settings.CELERY_TASK_QUEUES}
    rows = ProcessingRequest.objects.filter(status=Status.PENDING).exclude(run_at__gt=Now())
    rows = rows.exclude(lease_expires_at=NEVER).exclude(kind__in=PausedKind.objects.values("kind"))
    found = rows.order_by().values_list("queue")
    since = Min(Greatest("created_at", "run_at"))  # which passes over a run_at that is null
    for queue, count, age in found.annotate(count=Count("*"), age=Now() - since):
        queues[queue] = (count, max(0.0, age.total_seconds()))
    return queues


def running() -> tuple[dict[str, int], float]:
    """Return by queue how many requests are processing, and for how many seconds the oldest has."""
    queues = {queue.name: 0 for queue in settings.CELERY_TASK_QUEUES}
    rows = ProcessingRequest.objects.filter(status=Status.PROCESSING)
    found = rows.exclude(lease_expires_at=NEVER).order_by().values_list("queue")
    oldest = timedelta()
    for queue, count, age in found.annotate(count=Count("*"), age=Now() - Min("started_at")):
        queues[queue] = count
        oldest = max(oldest, age)
    return queues, oldest.total_seconds()


def maintenance_age_seconds(name: str) -> float | None:
    """Seconds since the reaper ("reap") or the tidying ("tidy") last ran; None for never."""
    runs = MaintenanceRun.objects.filter(name=name)
    age = runs.values_list(Now() - F("ran_at"), flat=True).first()
    return age.total_seconds() if age is not None else None


class RequestCollector:
    """Reads the metrics from the rows when they are asked for, so every web process agrees.

    Without a database there are none of the rows: web goes on telling what it has answered, as then
    its calls fail.
    """

    def collect(self) -> Iterable[Metric]:
        yield GaugeMetricFamily(
            "processing_disk_free_bytes", "Space left for jobs, the reserve not counted.",
            value=free_bytes(),
        )  # fmt: skip
        try:
            yield from self._rows()
            yield self._requests()  # last: of millions it may take longer than a call may
        except (OperationalError, InterfaceError) as error:
            logger.warning("metrics leave out the requests: the database is away (%s)", error)

    def _requests(self) -> Metric:
        requests = GaugeMetricFamily(
            "processing_requests", "Requests by kind and status.", labels=["kind", "status"]
        )
        for kind, status, count in self._count_requests():
            requests.add_metric([kind, status], count)
        return requests

    def _count_requests(self) -> list[tuple[str, str, int]]:
        """Return how many there are, as counted a minute ago or now: it reads the whole table."""
        cache = caches["redis"]
        if cache.add("requests-are-counted", 1, COUNT_SECONDS):  # by one process at a time
            counts = ProcessingRequest.objects.values_list("kind", "status").annotate(n=Count("*"))
            cache.set("requests-counted", list(counts.order_by()), KEEP_SECONDS)
        return cache.get("requests-counted", [])

    def _rows(self) -> Iterable[Metric]:
        lengths = GaugeMetricFamily(
            "processing_waiting", "Requests that wait for a worker.", labels=["queue"]
        )
        ages = GaugeMetricFamily(
            "processing_oldest_pending_seconds",
            "How long the one that has waited longest for a worker has done so.",
            labels=["queue"],
        )
        for queue, (count, seconds) in waiting().items():
            lengths.add_metric([queue], count)
            ages.add_metric([queue], seconds)
        at_work_by_queue, seconds = running()
        at_work = GaugeMetricFamily(
            "processing_running", "Requests that are worked on.", labels=["queue"]
        )
        for queue, count in at_work_by_queue.items():
            at_work.add_metric([queue], count)
        yield from (lengths, ages, at_work)
        yield GaugeMetricFamily(
            "processing_oldest_running_seconds",
            "Age of the request that has been worked on longest.",
            value=seconds,
        )
        attempts = GaugeMetricFamily(
            "processing_recent_attempts",
            "Attempts that ended in the last hour, by how.",
            labels=["outcome"],
        )
        recent = ProcessingAttempt.objects.filter(finished_at__gt=Now() - RECENT)
        for outcome, count in recent.values_list("outcome").annotate(n=Count("*")).order_by():
            attempts.add_metric([outcome], count)
        yield attempts
        yield from self._durations()
        age = maintenance_age_seconds("reap")
        if age is not None:
            yield GaugeMetricFamily(
                "processing_reaper_age_seconds", "Seconds since the reaper last ran.", value=age
            )

    def _durations(self) -> Iterable[Metric]:
        """Gauges: the last hour's counts fall too, which no counter may."""
        completed = GaugeMetricFamily(
            "processing_recent_completed",
            "Requests that completed in the last hour.",
            labels=["kind"],
        )
        mean = GaugeMetricFamily(
            "processing_recent_mean_seconds",
            "From submit to completed, on average, of those requests.",
            labels=["kind"],
        )
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT kind, count(*), avg(extract(epoch FROM finished_at - created_at))"
                " FROM processing_processingrequest"
                " WHERE status = 'completed'"
                " AND finished_at > now() - make_interval(secs => %s) GROUP BY kind",
                [RECENT.total_seconds()],
            )
            for kind, count, seconds in cursor.fetchall():
                completed.add_metric([kind], count)
                mean.add_metric([kind], float(seconds))
        return completed, mean


def full_health() -> dict[str, Any]:
    """Look at everything the product stands on; each finding has `ok` and what was seen."""
    reaper_age = maintenance_age_seconds("reap")
    pending = max(seconds for _, seconds in waiting().values())
    return {
        "broker": _seen(_broker_answers),
        "storage": _seen(check_storage),
        "disk": {"ok": free_bytes() > 0, "free_bytes": free_bytes()},
        "reaper": {
            "ok": reaper_age is not None and reaper_age < 4 * settings.PROCESSING_REAPER_SECONDS,
            "age_seconds": reaper_age,
        },
        "oldest_pending": {
            "ok": pending < settings.PROCESSING_TIME_LIMIT_SECONDS,
            "age_seconds": pending,
        },
    }


def _seen(check: Any) -> dict[str, Any]:
    began = time.monotonic()
    try:
        check()
    except Exception as error:
        return {"ok": False, "reason": type(error).__name__}
    return {"ok": True, "seconds": round(time.monotonic() - began, 3)}


def _broker_answers() -> None:
    with current_app.connection_for_write(connect_timeout=2) as broker:
        broker.ensure_connection(max_retries=0, timeout=2)
