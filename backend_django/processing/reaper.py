"""Bring to an end what nobody else will: lost workers' requests, and those that wait in vain."""

import logging
from uuid import UUID

from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from backend_django.utils.database_time import from_now
from backend_django.utils.messages import Message

from .events import end_requests
from .lifecycle import AGAIN, Outcome, Status, close_attempts
from .models import ProcessingRequest
from .registry import list_kinds
from .returning import update_returning

logger = logging.getLogger(__name__)
UNKNOWN_KIND_SECONDS = 3600  # longer than an upgrade takes to reach every worker
REAP_LIMIT = 500  # of each sort in one round, so that a round stays short


def reap_expired() -> list[tuple[UUID, int]]:
    """Take requests from workers that were not heard of until their lease ran out.

    Returns:
        Id and attempt of each, so that what the attempt left behind can be removed.
    """
    return [(request.id, request.attempt) for request in end_requests(_reap)]


def _reap() -> list[ProcessingRequest]:
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
    close_attempts([row[0] for row in expired], Outcome.LOST, "worker_lost")
    rows = ProcessingRequest.objects
    logger.warning(
        "workers lost: %d requests go back, %d given up, %d cancelled",
        len(again),
        len(given_up),
        len(cancelled),
    )
    return [
        *update_returning(
            rows.filter(id__in=cancelled),
            status=Status.CANCELLED,
            lease_expires_at=None,
            finished_at=Now(),
        ),
        *update_returning(
            rows.filter(id__in=given_up),
            status=Status.FAILED,
            error_code="worker_lost",
            error_message=Message(
                "The worker stopped responding each time it worked on this. It may need more "
                "memory than there is. Try a smaller input, or tell whoever runs this service."
            ),
            lease_expires_at=None,
            finished_at=Now(),
        ),
        *update_returning(rows.filter(id__in=again), lease_expires_at=None, **AGAIN),
    ]


def fail_overdue() -> int:
    """Fail requests that still wait when their deadline passes; a running one ends by itself."""
    return _fail_waiting(
        ProcessingRequest.objects.filter(deadline_at__lt=Now()),
        code="deadline_passed",
        message=Message("It had not begun when its deadline passed. Submit it again."),
    )


def fail_unknown() -> int:
    """Fail requests that have waited for an hour for a feature that is not there."""
    return _fail_waiting(
        ProcessingRequest.objects.filter(
            ~Q(kind__in=list_kinds()), created_at__lt=from_now(-UNKNOWN_KIND_SECONDS)
        ),
        code="unknown_kind",
        message=Message("This installation does not have the feature that this request is for."),
    )


def _fail_waiting(rows: QuerySet[ProcessingRequest], *, code: str, message: str) -> int:
    """Fail those of the requests that wait, as many as a round takes; return how many."""
    waiting = rows.filter(status=Status.PENDING)
    ids = list(waiting.values_list("id", flat=True)[:REAP_LIMIT])
    if not ids:
        return 0
    failed = end_requests(
        lambda: update_returning(
            waiting.filter(id__in=ids),
            status=Status.FAILED,
            error_code=code,
            error_message=message,
            finished_at=Now(),
        )
    )
    return len(failed)
