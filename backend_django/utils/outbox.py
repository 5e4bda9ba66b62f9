"""Rows of what is to leave the product: sent by a job, and tried again until it is gone.

The row is written with what asks for it, in one transaction, because a broker may forget and the
other side may be away. It is due when `next_attempt_at` has come. A worker that claims it moves
that time on, so that nobody else sends it, and somebody does should the worker die. One that dies
between the other side's yes and the row's update sends it twice.
"""

import logging
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta
from typing import Any, ClassVar, TypeVar

from django.db import InterfaceError, OperationalError, models, transaction
from django.db.models import Q, Window
from django.db.models.functions import Now, RowNumber
from django.utils import timezone

logger = logging.getLogger(__name__)
LEASE = timedelta(minutes=2)  # a worker that did not say how it went by then is lost
BATCH = 200
ROUND_SECONDS = 20  # another side that hangs must not keep a worker for longer
SHARE_SECONDS = 5
HEARD_AFTER = timedelta(seconds=10)  # a worker that is free has taken a new row by then


class OutboxRow(models.Model):
    """Base of such a row; only the functions below write these fields."""

    failure_level: ClassVar[int] = logging.ERROR  # of the log, for what is given up

    created_at = models.DateTimeField(auto_now_add=True)
    next_attempt_at = models.DateTimeField(db_default=Now())
    attempts = models.PositiveSmallIntegerField(default=0)
    finished_at = models.DateTimeField(null=True, help_text="Sent, given up, or not needed.")
    outcome = models.CharField(max_length=10, blank=True, help_text="sent, failed or dropped")
    error = models.CharField(max_length=300, blank=True, help_text="Of the last attempt.")

    class Meta:
        abstract = True
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(
                fields=["next_attempt_at"],
                condition=Q(finished_at__isnull=True),
                name="%(class)s_due",
            ),
            models.Index(fields=["finished_at"], name="%(class)s_finished"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(finished_at__isnull=True, outcome="")
                | Q(finished_at__isnull=False, outcome__in=["sent", "failed", "dropped"]),
                name="%(class)s_outcome_when_finished",
            )
        ]


R = TypeVar("R", bound=OutboxRow)


def send_due(rows: models.QuerySet[R], send: Callable[[Any], None], *, by: str = "") -> None:
    """Send what waits for another attempt, and what no worker was told of.

    Here, not by a message for each: messages that wait for a busy worker would grow in number with
    every round.

    Args:
        send: gets the id of a row. What it raises is logged, and is that row's alone.
        by: a field; rows with the same value take turns with the others, and have a share of the
            round's time.
    """
    deadline = time.monotonic() + ROUND_SECONDS
    spent: dict[Any, float] = defaultdict(float)
    unheard = Q(attempts__gt=0) | Q(created_at__lt=Now() - HEARD_AFTER)
    due: models.QuerySet[Any] = rows.filter(
        unheard, finished_at__isnull=True, next_attempt_at__lte=Now()
    )
    due = due.order_by("next_attempt_at")
    if by:  # by lot, so that none is always the last
        turn = Window(RowNumber(), partition_by=by, order_by="next_attempt_at")
        due = due.alias(turn=turn).order_by("turn", "?")
    for row_id, whose in list(due.values_list("id", by or "id")[:BATCH]):
        began = time.monotonic()
        if spent[whose] > SHARE_SECONDS:
            continue
        try:
            send(row_id)
        except (OperationalError, InterfaceError):
            raise  # so do the others
        except Exception:
            logger.exception("%s %s could not be sent", rows.model._meta.model_name, row_id)
        spent[whose] += (ended := time.monotonic()) - began
        if ended > deadline:
            break


def claim(rows: models.QuerySet[R], row_id: Any) -> R | None:
    """Take a row for an attempt; None when it is not due, gone, or another worker's."""
    with transaction.atomic():
        row = (
            rows.select_for_update(skip_locked=True, of=("self",))
            .filter(id=row_id, finished_at__isnull=True, next_attempt_at__lte=Now())
            .first()
        )
        if row is not None:
            row.attempts += 1
            update(row, attempts=row.attempts, next_attempt_at=Now() + LEASE)
    return row


def update(row: OutboxRow, **fields: Any) -> None:
    """Write some fields of a row."""
    type(row)._default_manager.filter(pk=row.pk).update(**fields)


def finish(row: OutboxRow, outcome: str, error: str = "", **fields: Any) -> None:
    """Write how it ended: sent, failed or dropped."""
    update(row, finished_at=Now(), outcome=outcome, error=error[:300], **fields)
    if outcome == "failed":
        name = row._meta.model_name
        logger.log(row.failure_level, "%s %s is given up: %s", name, row.pk, error)


def try_later(row: OutboxRow, pause: timedelta, error: str, **fields: Any) -> None:
    """Have a row sent again after a pause."""
    update(row, next_attempt_at=Now() + pause, error=error[:300], **fields)
    logger.log(
        min(logging.WARNING, row.failure_level),
        "%s %s is tried again in %s: %s",
        row._meta.model_name,
        row.pk,
        pause,
        error[:300],
    )


def is_too_old(row: OutboxRow, hours: float) -> bool:
    """Say whether a row was tried for so long that it is given up."""
    return timezone.now() - row.created_at > timedelta(hours=hours)


def purge(model: type[OutboxRow], days: float) -> int:
    """Remove finished rows whose retention is over; return how many."""
    old = timezone.now() - timedelta(days=days)
    return model._default_manager.filter(finished_at__lt=old).delete()[0]
