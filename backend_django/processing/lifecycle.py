"""Every change of a request's state, each one conditional UPDATE that loses cleanly.

A worker owns an attempt, not a request: each write says "if it is still attempt n that runs", so
a message delivered twice, a worker thought dead and a worker that is dead all come out right.
Time is the database's: the clocks of the workers do not matter.
"""

import logging
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import DateTimeField, ExpressionWrapper, F, Q, QuerySet, Value
from django.db.models.functions import Coalesce, Now

from .models import ProcessingRequest, ProcessingResult

logger = logging.getLogger(__name__)
Status = ProcessingRequest.Status

MESSAGE_LIMIT = 2000
REAP_LIMIT = 500  # of each sort in one round, so that a round stays short


def _from_now(seconds: float) -> ExpressionWrapper:
    return ExpressionWrapper(
        Now() + Value(timedelta(seconds=seconds)), output_field=DateTimeField()
    )


def _mine(request_id: UUID, attempt: int) -> QuerySet[ProcessingRequest]:
    return ProcessingRequest.objects.filter(
        id=request_id, attempt=attempt, status=Status.PROCESSING
    )


def clean_text(text: str) -> str:
    """Make any text fit to be stored and shown: no NUL, no lone surrogates, bounded."""
    text = text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")
    return text if len(text) <= MESSAGE_LIMIT else text[: MESSAGE_LIMIT - 1] + "…"


def claim(request_id: UUID, celery_task_id: str = "") -> ProcessingRequest | None:
    """Take a pending request, or one whose worker is lost, for a new attempt.

    Returns:
        The request as it is now, or None: somebody else has it, or it is over, or gone.
    """
    claimable = Q(status=Status.PENDING) | Q(status=Status.PROCESSING, lease_expires_at__lt=Now())
    count = (
        ProcessingRequest.objects.filter(claimable, id=request_id)
        .filter(attempt__lt=F("max_attempts"), cancel_requested=False)
        .update(
            status=Status.PROCESSING,
            attempt=F("attempt") + 1,
            lease_expires_at=_from_now(settings.PROCESSING_LEASE_SECONDS),
            started_at=Coalesce("started_at", Now()),
            celery_task_id=celery_task_id,
            phase="",
            step="",
            progress=0,
        )
    )
    return ProcessingRequest.objects.get(id=request_id) if count else None


def heartbeat(request_id: UUID, attempt: int, *, phase: str, step: str, progress: int) -> bool:
    """Extend the lease and carry progress.

    Returns:
        Whether to go on: False when the request is cancelled, gone, or another attempt's.
    """
    mine = _mine(request_id, attempt)
    extended = mine.update(
        lease_expires_at=_from_now(settings.PROCESSING_LEASE_SECONDS),
        phase=phase,
        step=step[:40],
        progress=progress,
    )
    return bool(extended) and not mine.filter(cancel_requested=True).exists()


def complete(
    request_id: UUID, attempt: int, *, data: dict[str, Any], files: dict[str, Any]
) -> bool:
    """Finish with a result, both or neither. False when the attempt no longer owns the request."""
    with transaction.atomic():
        finished = _mine(request_id, attempt).update(
            status=Status.COMPLETED,
            phase="",
            step="",
            progress=100,
            cancel_requested=False,
            lease_expires_at=None,
            finished_at=Now(),
        )
        if finished:
            ProcessingResult.objects.create(
                request_id=request_id, attempt=attempt, data=data, files=files
            )
    return bool(finished)


def fail(request_id: UUID, attempt: int, *, code: str, message: str) -> bool:
    """Finish with a reason for people to read; phase and progress stay, to show where it was."""
    return bool(
        _mine(request_id, attempt).update(
            status=Status.FAILED,
            error_code=code[:50],
            error_message=clean_text(message),
            lease_expires_at=None,
            finished_at=Now(),
        )
    )


def cancel_running(request_id: UUID, attempt: int) -> bool:
    """Confirm a cancellation: the attempt has stopped."""
    return bool(
        _mine(request_id, attempt)
        .filter(cancel_requested=True)
        .update(status=Status.CANCELLED, lease_expires_at=None, finished_at=Now())
    )


def release(request_id: UUID, attempt: int) -> bool:
    """Give a request back because the worker stops; that attempt does not count against it."""
    return bool(
        _mine(request_id, attempt).update(
            status=Status.PENDING,
            max_attempts=F("max_attempts") + 1,
            lease_expires_at=None,
            published_at=None,
            phase="",
            step="",
            progress=0,
        )
    )


def reap() -> list[UUID]:
    """Rescue what workers and brokers lost.

    Returns:
        Ids of pending requests to hand to the broker (again).
    """
    expired = ProcessingRequest.objects.filter(status=Status.PROCESSING, lease_expires_at__lt=Now())
    cancelled = expired.filter(cancel_requested=True).update(
        status=Status.CANCELLED, lease_expires_at=None, finished_at=Now()
    )
    given_up = expired.filter(attempt__gte=F("max_attempts")).update(
        status=Status.FAILED,
        error_code="worker_lost",
        error_message=(
            "The worker was lost each time it worked on this. It may need more memory than there "
            "is. Try a smaller input, or tell whoever runs this service."
        ),
        lease_expires_at=None,
        finished_at=Now(),
    )
    rescued = expired.update(
        status=Status.PENDING,
        lease_expires_at=None,
        published_at=None,
        phase="",
        step="",
        progress=0,
    )
    if cancelled or given_up or rescued:
        logger.warning(
            "workers lost: %d requests go back, %d given up, %d cancelled",
            rescued,
            given_up,
            cancelled,
        )
    unpublished = Q(published_at=None, created_at__lt=_from_now(-5)) | Q(
        published_at=None, attempt__gt=0
    )
    forgotten = Q(published_at__lt=_from_now(-settings.PROCESSING_REPUBLISH_SECONDS))
    return list(
        ProcessingRequest.objects.filter(unpublished | forgotten, status=Status.PENDING)
        .order_by("created_at")
        .values_list("id", flat=True)[:REAP_LIMIT]
    )
