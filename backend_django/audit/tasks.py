"""Celery tasks of the audit trail."""

import logging

from celery import shared_task

from .services import events_purge

logger = logging.getLogger(__name__)


@shared_task
def maintenance_tidy_audit() -> None:
    """Remove events past their retention. Sent by beat."""
    if removed := events_purge():
        logger.info("removed %d audit events past retention", removed)
