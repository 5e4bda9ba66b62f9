"""Every change of a request's state, each one conditional UPDATE that loses cleanly.

A worker owns an attempt, not a request: each write says "if it is still attempt n that runs", so
a message delivered twice, a worker thought dead and a worker that is dead all come out right.
Time is the database's: the clocks of the workers do not matter.
"""

import logging
from collections.abc import Collection
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import DateTimeField, ExpressionWrapper, F, Q, QuerySet, Value
from django.db.models.functions import Coalesce, Now

from .models import ProcessingAttempt, ProcessingRequest, ProcessingResult

logger = logging.getLogger(__name__)
Status = ProcessingRequest.Status
Outcome = ProcessingAttempt.Outcome

MESSAGE_LIMIT = 2000
LIMIT_LOCK = 7_403  # first half of the keys of the advisory locks behind the limits
UNKNOWN_KIND_SECONDS = 3600  # longer than an upgrade takes to reach every worker
REAP_LIMIT = 500  # of each sort in one round, so that a round stays short


def from_now(seconds: float) -> ExpressionWrapper:
    """Return a time of the database's own clock, for a column."""
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


def claim(
    request_id: UUID,
    *,
    kinds: Collection[str] | None = None,
    worker: str = "",
    celery_task_id: str = "",
) -> ProcessingRequest | None:
    """Take a pending request, or one whose worker is lost, for a new attempt.

    Args:
        kinds: what this worker can do; while an upgrade rolls out, older workers leave requests
            of a new feature to newer ones.

    Returns:
        The request as it is now, or None: somebody else has it, it is over or gone, or its owner
        (or the whole installation) has as many running as may be.
    """
    lost = Q(status=Status.PROCESSING, lease_expires_at__lt=Now())
    claimable = ProcessingRequest.objects.filter(
        Q(status=Status.PENDING) | lost,
        id=request_id,
        attempt__lt=F("max_attempts"),
        cancel_requested=False,
    )
    if kinds is not None:
        claimable = claimable.filter(kind__in=kinds)
    with transaction.atomic():
        owner_id = claimable.values_list("owner_id", flat=True).first()
        if owner_id is None or not _has_room(owner_id, request_id):
            return None
        claimed = claimable.update(
            status=Status.PROCESSING,
            attempt=F("attempt") + 1,
            lease_expires_at=from_now(settings.PROCESSING_LEASE_SECONDS),
            started_at=Coalesce("started_at", Now()),
            celery_task_id=celery_task_id,
            phase="",
            step="",
            progress=0,
        )
        if not claimed:
            return None
        request = ProcessingRequest.objects.get(id=request_id)
        _close_attempts([request_id], Outcome.LOST)
        ProcessingAttempt.objects.create(
            request=request, number=request.attempt, worker=worker[:100]
        )
    return request


def _has_room(owner_id: int, request_id: UUID) -> bool:
    """Whether one more may run. Takes locks that make it true until the claim is committed."""
    running = ProcessingRequest.objects.filter(status=Status.PROCESSING).exclude(id=request_id)
    for limit, key, rows in (
        (settings.PROCESSING_MAX_RUNNING, 0, running),
        (settings.PROCESSING_MAX_RUNNING_PER_USER, owner_id, running.filter(owner_id=owner_id)),
    ):
        if not limit:
            continue
        with connection.cursor() as cursor:
            # a request of a user waits here only for another claim of the same user
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LIMIT_LOCK, key % 2**31])
        if rows.count() >= limit:
            return False
    return True


def next_waiting(owner_id: int) -> list[UUID]:
    """Return who may come next where a limit kept requests waiting: the owner's and the oldest.

    Their messages have been dropped; somebody has to send new ones.
    """
    waiting = ProcessingRequest.objects.filter(
        status=Status.PENDING, published_at__isnull=False
    ).order_by("created_at")
    found = []
    if settings.PROCESSING_MAX_RUNNING_PER_USER:
        found.append(waiting.filter(owner_id=owner_id).values_list("id", flat=True).first())
    if settings.PROCESSING_MAX_RUNNING:
        found.append(waiting.values_list("id", flat=True).first())
    return list({request_id for request_id in found if request_id})


def _close_attempts(ids: list[UUID], outcome: ProcessingAttempt.Outcome, code: str = "") -> None:
    """Write down how the running attempts of these requests ended."""
    ProcessingAttempt.objects.filter(request_id__in=ids, outcome=Outcome.RUNNING).update(
        outcome=outcome, error_code=code, finished_at=Now()
    )


def heartbeat(request_id: UUID, attempt: int, *, phase: str, step: str, progress: int) -> bool:
    """Extend the lease and carry progress.

    Returns:
        Whether to go on: False when the request is cancelled, gone, or another attempt's.
    """
    mine = _mine(request_id, attempt)
    extended = mine.update(
        lease_expires_at=from_now(settings.PROCESSING_LEASE_SECONDS),
        phase=phase,
        step=step,
        progress=progress,
    )
    return bool(extended) and not mine.filter(cancel_requested=True).exists()


def record_calls(request_id: UUID, attempt: int, calls: list[dict[str, Any]]) -> None:
    """Keep the calls to outside services in the history, also of an attempt that is lost later."""
    ProcessingAttempt.objects.filter(request_id=request_id, number=attempt).update(calls=calls)


def _end(request_id: UUID, attempt: int, outcome: ProcessingAttempt.Outcome, **fields: Any) -> bool:
    """Leave `processing`, if it is still this attempt's to do so."""
    ended = _mine(request_id, attempt).update(lease_expires_at=None, **fields)
    if ended:
        _close_attempts([request_id], outcome, fields.get("error_code", ""))
    return bool(ended)


@transaction.atomic
def complete(
    request_id: UUID, attempt: int, *, data: dict[str, Any], files: dict[str, Any]
) -> bool:
    """Finish with a result, both or neither. False when the attempt no longer owns the request."""
    finished = _end(
        request_id,
        attempt,
        Outcome.COMPLETED,
        status=Status.COMPLETED,
        phase="",
        step="",
        progress=100,
        cancel_requested=False,
        finished_at=Now(),
    )
    if finished:
        ProcessingResult.objects.create(
            request_id=request_id, attempt=attempt, data=data, files=files
        )
    return finished


@transaction.atomic
def fail(request_id: UUID, attempt: int, *, code: str, message: str, **reached: Any) -> bool:
    """Finish with a reason for people to read.

    `reached` is the phase, step and progress it came to: a job may fail before its first heartbeat.
    """
    return _end(
        request_id,
        attempt,
        Outcome.FAILED,
        status=Status.FAILED,
        error_code=code[:50],
        error_message=clean_text(message),
        finished_at=Now(),
        **reached,
    )


@transaction.atomic
def confirm_cancel(request_id: UUID, attempt: int) -> bool:
    """Finish as cancelled: somebody asked for it and the attempt has stopped."""
    wanted = _mine(request_id, attempt).filter(cancel_requested=True).exists()
    return wanted and _end(
        request_id, attempt, Outcome.CANCELLED, status=Status.CANCELLED, finished_at=Now()
    )


AGAIN: dict[str, Any] = {
    "status": Status.PENDING,
    "published_at": None,
    "phase": "",
    "step": "",
    "progress": 0,
}


@transaction.atomic
def release(request_id: UUID, attempt: int) -> bool:
    """Give a request back because the worker stops; that attempt does not count against it."""
    return _end(request_id, attempt, Outcome.RELEASED, **AGAIN, max_attempts=F("max_attempts") + 1)


@transaction.atomic
def reap_expired() -> list[tuple[UUID, int]]:
    """Take requests from workers that were not heard of until their lease ran out.

    Returns:
        Id and attempt of each, so that what the attempt left behind can be removed.
    """
    expired = list(
        ProcessingRequest.objects.select_for_update(skip_locked=True)
        .filter(status=Status.PROCESSING, lease_expires_at__lt=Now())
        .values_list("id", "cancel_requested", "attempt", "max_attempts")[:REAP_LIMIT]
    )
    if not expired:
        return []
    cancelled = [row[0] for row in expired if row[1]]
    given_up = [row[0] for row in expired if not row[1] and row[2] >= row[3]]
    again = [row[0] for row in expired if not row[1] and row[2] < row[3]]
    _close_attempts([row[0] for row in expired], Outcome.LOST, "worker_lost")
    rows = ProcessingRequest.objects
    rows.filter(id__in=cancelled).update(
        status=Status.CANCELLED, lease_expires_at=None, finished_at=Now()
    )
    rows.filter(id__in=given_up).update(
        status=Status.FAILED,
        error_code="worker_lost",
        error_message=(
            "The worker was lost each time it worked on this. It may need more memory than there "
            "is. Try a smaller input, or tell whoever runs this service."
        ),
        lease_expires_at=None,
        finished_at=Now(),
    )
    rows.filter(id__in=again).update(lease_expires_at=None, **AGAIN)
    logger.warning(
        "workers lost: %d requests go back, %d given up, %d cancelled",
        len(again),
        len(given_up),
        len(cancelled),
    )
    return [(row[0], row[2]) for row in expired]


def fail_unknown(kinds: Collection[str]) -> int:
    """Fail requests that have waited for an hour for a feature that is not there."""
    return ProcessingRequest.objects.filter(
        ~Q(kind__in=kinds), status=Status.PENDING, created_at__lt=from_now(-UNKNOWN_KIND_SECONDS)
    ).update(
        status=Status.FAILED,
        error_code="unknown_kind",
        error_message="This installation does not have the feature that this request is for.",
        finished_at=Now(),
    )


def unheard() -> list[UUID]:
    """Return pending requests that no message, or only a lost one, will bring to a worker."""
    never = Q(published_at=None) & (Q(created_at__lt=from_now(-5)) | Q(attempt__gt=0))
    long_ago = Q(published_at__lt=from_now(-settings.PROCESSING_REPUBLISH_SECONDS))
    return list(
        ProcessingRequest.objects.filter(never | long_ago, status=Status.PENDING)
        .order_by("created_at")
        .values_list("id", flat=True)[:REAP_LIMIT]
    )
