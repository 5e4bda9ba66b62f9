"""Celery tasks: thin, because the row knows more than the message."""

import logging
from typing import Any
from uuid import UUID

from celery import shared_task
from django.db import InterfaceError, OperationalError, connection
from django.db.models.functions import Now

from backend_django.files.temporary import tidy_abandoned_uploads
from backend_django.uploads.services import uploads_expire

from . import reaper, worker  # noqa: F401 (worker: connects its hooks)
from .advance import advance, advance_stalled
from .enqueue import drop_other_doorbells, ring_for_all
from .models import MaintenanceRun
from .processor import Processor
from .request_files import delete_attempt
from .runner import run_next
from .schedules import schedules_run
from .scratch import delete_scratch
from .turns import turns_renew

logger = logging.getLogger(__name__)


# A doorbell is not sent again when its process is lost, so that we are told of it (worker.py).
@shared_task(bind=True, reject_on_worker_lost=False)
def process_request(self: Any, request_id: str = "") -> list[str]:
    """Work on what is next in the queue that this message came by (enqueue.py).

    Args:
        request_id: the request that somebody rang for; another one may go before it.

    Returns:
        The ids of the requests that were worked on, to be seen where tasks are monitored.
    """
    queue = self.request.delivery_info.get("routing_key") or Processor.queue
    if queue in {"processing", "short"}:  # in which there is nothing else
        drop_other_doorbells(queue)
    try:
        return run_next(
            queue=queue,
            worker=self.request.hostname or "",
            celery_task_id=self.request.id or "",
        )
    except (OperationalError, InterfaceError):
        connection.close()  # the rows are untouched; the reaper rings again
        raise


@shared_task
def advance_pipeline(request_id: str) -> None:
    """Begin the steps of a pipeline that are due, or end it."""
    advance(UUID(request_id))


@shared_task
def run_schedules(kind: str | None = None, **_: object) -> None:
    """Make the requests that are due by a schedule: of one kind, or of all."""
    schedules_run(kind)


@shared_task
def maintenance_reap() -> None:
    """Rescue requests whose worker is lost, and ring where no message is. Sent by beat."""
    MaintenanceRun.objects.update_or_create(name="reap", defaults={"ran_at": Now()})
    for request_id, attempt in reaper.reap_expired():
        delete_scratch(request_id, attempt)
        try:
            delete_attempt(request_id, attempt)
        except OSError:
            logger.exception("files of attempt %d of %s are left behind", attempt, request_id)
    reaper.fail_unknown()
    reaper.fail_overdue()
    run_schedules()
    advance_stalled()
    turns_renew()
    ring_for_all()
    uploads_expire()
    tidy_abandoned_uploads()
