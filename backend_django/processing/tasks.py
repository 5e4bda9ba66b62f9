"""Celery tasks: thin, because the row knows more than the message."""

from typing import Any
from uuid import UUID

from celery import shared_task
from django.db import InterfaceError, OperationalError, connection

from . import lifecycle, worker  # noqa: F401 (worker: connects its hooks)
from .publishing import request_publish
from .runner import run_request


@shared_task(bind=True)
def process_request(self: Any, request_id: str) -> None:
    """Work on one request. Harmless when delivered late, twice or for a request that is gone."""
    try:
        run_request(UUID(request_id), self.request.id or "")
    except (OperationalError, InterfaceError):
        connection.close()  # the row is untouched; the reaper sends it again
        raise


@shared_task
def maintenance_reap() -> None:
    """Rescue requests whose worker or message is lost. Sent by beat."""
    for request_id in lifecycle.reap():
        if not request_publish(request_id=request_id):
            break  # the broker is down: the next round tries again
