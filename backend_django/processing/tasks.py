"""Celery tasks: thin, because the row knows more than the message."""

import logging
from typing import Any
from uuid import UUID

from celery import shared_task
from django.db import InterfaceError, OperationalError, connection
from django.db.models.functions import Now

from . import lifecycle, maintenance, worker  # noqa: F401 (worker: connects its hooks)
from .files import delete_attempt, delete_scratch
from .models import MaintenanceRun
from .publishing import request_publish
from .quota import quota_forget
from .registry import known_kinds
from .runner import run_request
from .temporary import tidy_abandoned_uploads
from .uploads import uploads_expire

logger = logging.getLogger(__name__)


@shared_task(bind=True)
def process_request(self: Any, request_id: str) -> None:
    """Work on one request. Harmless when delivered late, twice or for a request that is gone."""
    try:
        run_request(
            UUID(request_id),
            worker=self.request.hostname or "",
            celery_task_id=self.request.id or "",
        )
    except (OperationalError, InterfaceError):
        connection.close()  # the row is untouched; the reaper sends it again
        raise


@shared_task
def maintenance_reap() -> None:
    """Rescue requests whose worker or message is lost. Sent by beat."""
    MaintenanceRun.objects.update_or_create(name="reap", defaults={"ran_at": Now()})
    for request_id, attempt in lifecycle.reap_expired():
        delete_scratch(request_id)
        try:
            delete_attempt(request_id, attempt)
        except OSError:
            logger.exception("files of attempt %d of %s are left behind", attempt, request_id)
    lifecycle.fail_unknown(known_kinds())
    for request_id in lifecycle.unheard():
        if not request_publish(request_id=request_id):
            break  # the broker is down: the next round tries again
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
