"""Celery tasks: thin, because the row knows more than the message."""

import logging
from typing import Any

from celery import shared_task
from django.db import InterfaceError, OperationalError, connection
from django.db.models.functions import Now

from . import lifecycle, maintenance, worker  # noqa: F401 (worker: connects its hooks)
from .enqueue import ring_for_all
from .files import delete_attempt, delete_scratch
from .models import MaintenanceRun
from .processor import Processor
from .quota import quota_forget
from .runner import run_next
from .temporary import tidy_abandoned_uploads
from .uploads import uploads_expire

logger = logging.getLogger(__name__)


@shared_task(bind=True)
def process_request(self: Any, request_id: str = "") -> list[str]:
    """Work on what is next in the queue that this message came by (enqueue.py).

    Args:
        request_id: the request that somebody rang for; another one may go before it.

    Returns:
        The ids of the requests that were worked on, to be seen where tasks are monitored.
    """
    try:
        return run_next(
            queue=self.request.delivery_info.get("routing_key") or Processor.queue,
            worker=self.request.hostname or "",
            celery_task_id=self.request.id or "",
        )
    except (OperationalError, InterfaceError):
        connection.close()  # the rows are untouched; the reaper rings again
        raise


@shared_task
def maintenance_reap() -> None:
    """Rescue requests whose worker is lost, and ring where no message is. Sent by beat."""
    MaintenanceRun.objects.update_or_create(name="reap", defaults={"ran_at": Now()})
    for request_id, attempt in lifecycle.reap_expired():
        delete_scratch(request_id, attempt)
        try:
            delete_attempt(request_id, attempt)
        except OSError:
            logger.exception("files of attempt %d of %s are left behind", attempt, request_id)
    lifecycle.fail_unknown()
    ring_for_all()
    uploads_expire()
    tidy_abandoned_uploads()


@shared_task
def maintenance_tidy() -> None:
    """Remove what is past its retention and what crashes left behind. Sent by beat."""
    MaintenanceRun.objects.update_or_create(name="tidy", defaults={"ran_at": Now()})
    purged = maintenance.purge_finished()
    quota_forget()
    found = maintenance.check_files()
    found.repair()
    if purged or found.orphan_prefixes or found.orphan_scratch or found.missing_files:
        logger.warning(
            "tidied: %d requests past retention, %d orphan prefixes, %d orphan scratch "
            "directories; %d files are missing",
            purged,
            len(found.orphan_prefixes),
            len(found.orphan_scratch),
            len(found.missing_files),
        )
