"""A summary that is not left to a worker: whoever began it does it, and says how it goes.

It is a request as any other. When its process ends, its lease does, and a worker takes it.
"""

import logging
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction

from backend_django.processing import lifecycle
from backend_django.processing.models import ProcessingRequest
from backend_django.processing.outputs import check_data
from backend_django.processing.services import request_create
from backend_django.uploads.quota import work_count
from backend_django.users.models import User
from backend_django.utils.errors import Conflict
from backend_django.utils.messages import Message

from .processor import SECONDS, Summary

logger = logging.getLogger(__name__)
PHASE = ProcessingRequest.Phase.PROCESS


class CancelledSummary(Conflict):
    """Somebody has cancelled or deleted the request, or another process has it."""

    code = "cancelled"
    message = "The summary was cancelled or deleted meanwhile."


@dataclass(frozen=True)
class Attempt:
    """The hold on a request that this process works on."""

    request_id: UUID
    number: int
    owner_id: Any


def summary_begin(
    *, owner: User, created_by: User, parameters: dict[str, Any], worker: str
) -> tuple[ProcessingRequest, Attempt | None]:
    """Write a request and take it, in one transaction: no worker gets to see it.

    Returns:
        The request, and None if it has to wait because the owner has as many running as they may;
        then a worker does it.

    Raises:
        WorkUsedUp: the owner's jobs have had their processor time of today.
    """
    with transaction.atomic():
        request, _ = request_create(
            owner=owner,
            processor=Summary,
            parameters=parameters,
            name=parameters["text"][:80],
            created_by=created_by,
        )
        claimed = lifecycle.claim(request.id, worker=worker)
    if claimed is None:
        return request, None
    return claimed, Attempt(claimed.id, claimed.attempt, owner.pk)


def summary_report(*, attempt: Attempt, progress: int) -> bool:
    """Say "still here"; return whether to go on."""
    return lifecycle.heartbeat(
        attempt.request_id, attempt.number, phase=PHASE, step="", progress=progress
    )


def summary_complete(*, attempt: Attempt, data: dict[str, Any], seconds: float) -> bool:
    """Finish with a result; False when somebody has cancelled or deleted the request.

    Args:
        seconds: of processor time.
    """
    done = lifecycle.complete(attempt.request_id, attempt.number, data=check_data(data), files={})
    work_count(owner_id=attempt.owner_id, seconds=seconds)
    return done


def summary_cancel(*, attempt: Attempt, seconds: float) -> None:
    """End a summary that nobody reads any more, or that somebody has cancelled."""
    mine = ProcessingRequest.objects.filter(id=attempt.request_id, attempt=attempt.number)
    mine.filter(status=ProcessingRequest.Status.PROCESSING).update(cancel_requested=True)
    if lifecycle.confirm_cancel(attempt.request_id, attempt.number):
        logger.info("summary %s cancelled", attempt.request_id)
    work_count(owner_id=attempt.owner_id, seconds=seconds)


def summary_fail(*, attempt: Attempt, code: str, message: str, seconds: float) -> None:
    """Finish with a reason for people to read."""
    lifecycle.fail(attempt.request_id, attempt.number, code=code, message=message)
    work_count(owner_id=attempt.owner_id, seconds=seconds)


def summary_give_back(*, attempt: Attempt, seconds: float) -> None:
    """Leave a summary to a worker: this process stops."""
    lifecycle.release(attempt.request_id, attempt.number)
    work_count(owner_id=attempt.owner_id, seconds=seconds)


def too_long() -> Message:
    """Return what is said of a summary that took longer than it may."""
    return Message(
        "This took longer than the %(seconds)s seconds that are allowed.", seconds=SECONDS
    )
