"""Every change of a request's state, each one conditional UPDATE that loses cleanly.

A worker owns an attempt, not a request: each write says "if it is still attempt n that runs", so
a message delivered twice, a worker thought dead and a worker that is dead all come out right.
Time is the database's: the clocks of the workers do not matter.
"""

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, F, QuerySet
from django.db.models.functions import Now

from backend_django.utils.database_time import from_now
from backend_django.utils.messages import Message
from backend_django.utils.text import clean_text

from .changes import announce_changes
from .events import end_requests
from .models import ProcessingAttempt, ProcessingRequest, ProcessingResult
from .registry import list_kinds
from .returning import columns, fetch_requests, update_returning

logger = logging.getLogger(__name__)
Status = ProcessingRequest.Status
Outcome = ProcessingAttempt.Outcome

LIMIT_LOCK = 7_403  # key of the advisory lock behind the limits
# The lease of a pipeline that has begun: its steps have workers, it has none.
NEVER = datetime(9999, 1, 1, tzinfo=UTC)
DETAIL_LIMIT = 20_000  # characters of a traceback, and of a log


def internal_error(request_id: UUID) -> dict[str, str]:
    """Return code and message of a failure that only those who run the product can look into."""
    return {
        "code": "internal_error",
        "message": Message(
            "Something went wrong on our side. Try again. If it keeps happening, contact support "
            "with reference %(reference)s.",
            reference=str(request_id),
        ),
    }


def _mine(request_id: UUID, attempt: int) -> QuerySet[ProcessingRequest]:
    return ProcessingRequest.objects.filter(
        id=request_id, attempt=attempt, status=Status.PROCESSING
    )


# `status = 'pending'` stands in each query as it does in the indexes, so that they are used.
_DUE = """
    SELECT id FROM processing_processingrequest
    WHERE status = 'pending' AND owner_id <> ALL(%(at_limit)s) AND {which}
    AND (deadline_at IS NULL OR deadline_at > statement_timestamp())
    AND (%(kinds)s::text IS NULL OR kind = ANY(string_to_array(%(kinds)s, ',')))
    ORDER BY priority, turn, created_at, id
    LIMIT 1"""
_NOW = """
    AND (run_at IS NULL OR run_at <= statement_timestamp())
    AND kind NOT IN (SELECT kind FROM processing_pausedkind)"""
_NEXT = _DUE.format(which="queue = %(queue)s" + _NOW)
_THIS = _DUE.format(which="id = %(id)s" + _NOW)
_THIS_ANYWAY = _DUE.format(which="id = %(id)s")
_CLAIM = """
    WITH due AS ({due} FOR UPDATE SKIP LOCKED),
    claimed AS (
        UPDATE processing_processingrequest AS request
        SET status = 'processing', attempt = attempt + 1, phase = '', step = '', progress = 0,
            lease_expires_at = statement_timestamp() + make_interval(secs => %(lease)s),
            started_at = coalesce(started_at, statement_timestamp()),
            run_at = NULL, error_code = '', error_message = '',
            celery_task_id = %(celery_task_id)s
        FROM due WHERE request.id = due.id
        RETURNING request.*
    ),
    opened AS (
        INSERT INTO processing_processingattempt
            (request_id, number, worker, outcome, error_code, calls, started_at)
        SELECT id, attempt, %(worker)s, 'running', '', '[]', statement_timestamp() FROM claimed
    )
    SELECT {columns} FROM claimed"""
# With its result and the end of its attempt. Composing the three costs Django twice their work.
_COMPLETE = """
    WITH finished AS (
        UPDATE processing_processingrequest
        SET status = 'completed', lease_expires_at = NULL, phase = '', step = '', progress = 100,
            cancel_requested = false, finished_at = statement_timestamp()
        WHERE id = %(id)s AND attempt = %(attempt)s AND status = 'processing'
        RETURNING *
    ),
    closed AS (
        UPDATE processing_processingattempt AS attempt
        SET outcome = 'completed', error_code = '', finished_at = statement_timestamp()
        FROM finished WHERE attempt.request_id = finished.id AND attempt.outcome = 'running'
    ),
    kept AS (
        INSERT INTO processing_processingresult (request_id, attempt, data, files, created_at)
        SELECT id, attempt, %(data)s::jsonb, %(files)s::jsonb, finished_at FROM finished
    )
    SELECT {columns} FROM finished"""


def _kinds() -> str:
    """Return the kinds that this process knows, as statements want them: psycopg spends a quarter
    of a statement on the items of an array. They are parts of addresses, so they have no comma.
    """
    return ",".join(list_kinds())


def claim(
    request_id: UUID | None = None,
    *,
    queue: str = "processing",
    worker: str = "",
    celery_task_id: str = "",
    anyway: bool = False,
) -> ProcessingRequest | None:
    """Take the request that is next in a queue, or the one with this id, for a new attempt.

    Of the kinds that this worker knows: while an upgrade rolls out, older workers leave requests
    of a new feature to newer ones.

    Args:
        anyway: take the one with this id also before its time, and while its kind is paused.

    Returns:
        The request as it is now, or None: nothing waits, or only requests of owners who have as
        many running as they may.
    """
    values = {
        "id": request_id,
        "queue": queue,
        "kinds": _kinds(),
        "lease": settings.PROCESSING_LEASE_SECONDS,
        "worker": worker[:100],
        "celery_task_id": celery_task_id[:50],
    }
    due = _NEXT if request_id is None else _THIS_ANYWAY if anyway else _THIS
    statement = _CLAIM.format(due=due, columns=columns())
    with _limits() as at_limit:
        if at_limit is None:
            return None
        values["at_limit"] = at_limit
        claimed = fetch_requests(statement, values)
        announce_changes(claimed)
        return claimed[0] if claimed else None


@contextmanager
def _limits() -> Iterator[list[Any] | None]:
    """Yield the owners who may not have one more running; None when nobody may.

    Where there are limits, claims go one after the other until the caller's is committed.
    """
    if not has_limits():
        yield []
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LIMIT_LOCK])
        yield _owners_at_limit()


def has_limits() -> bool:
    """Say whether a request may have to wait although a worker is free."""
    return bool(settings.PROCESSING_MAX_RUNNING or settings.PROCESSING_MAX_RUNNING_PER_USER)


def _owners_at_limit() -> list[Any] | None:
    if not has_limits():
        return []
    running = dict(
        ProcessingRequest.objects.filter(status=Status.PROCESSING, lease_expires_at__lt=NEVER)
        .values_list("owner_id")
        .annotate(count=Count("*"))
        .order_by()
    )
    if 0 < settings.PROCESSING_MAX_RUNNING <= sum(running.values()):
        return None
    limit = settings.PROCESSING_MAX_RUNNING_PER_USER
    return [owner for owner, count in running.items() if 0 < limit <= count]


def next_due(*, queue: str, any_kind: bool = False) -> UUID | None:
    """Return the request that the next claim would get, if any.

    Args:
        any_kind: whether it may also be one that this worker cannot do, but another one can.
    """
    at_limit = _owners_at_limit()
    if at_limit is None:
        return None
    with connection.cursor() as cursor:
        kinds = None if any_kind else _kinds()
        cursor.execute(_NEXT, {"queue": queue, "kinds": kinds, "at_limit": at_limit})
        row = cursor.fetchone()
    return row[0] if row else None


def queues_waiting() -> list[str]:
    """Return the queues in which requests wait."""
    waiting = ProcessingRequest.objects.filter(status=Status.PENDING).order_by()
    return list(waiting.values_list("queue", flat=True).distinct())


def close_attempts(ids: list[UUID], outcome: ProcessingAttempt.Outcome, code: str = "") -> None:
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


def hand_over(request_id: UUID, attempt: int) -> bool:
    """Have a request go on without a worker: its steps are worked on, each by itself."""
    handed = update_returning(
        _mine(request_id, attempt),
        lease_expires_at=NEVER,
        phase=ProcessingRequest.Phase.PROCESS,
        step="",
    )
    announce_changes(handed)
    return bool(handed)


def attach(request_id: UUID, attempt: int, celery_task_id: str = "") -> None:
    """Have a request that was handed over end with the process that this message is in, if any."""
    _mine(request_id, attempt).update(celery_task_id=celery_task_id)


def report(request_id: UUID, attempt: int, *, progress: int) -> None:
    """Write down how much of a request is done, in percent, where there is no heartbeat."""
    behind = _mine(request_id, attempt).filter(progress__lt=progress)
    announce_changes(update_returning(behind, progress=progress))


def record_calls(request_id: UUID, attempt: int, calls: list[dict[str, Any]]) -> None:
    """Keep the calls to outside services in the history, also of an attempt that is lost later."""
    ProcessingAttempt.objects.filter(request_id=request_id, number=attempt).update(calls=calls)


def _leave(
    request_id: UUID, attempt: int, outcome: ProcessingAttempt.Outcome, **fields: Any
) -> list[ProcessingRequest]:
    """Leave `processing`, if it is still this attempt's to do so; return the request then."""
    left = update_returning(_mine(request_id, attempt), lease_expires_at=None, **fields)
    if left:
        close_attempts([request_id], outcome, fields.get("error_code", ""))
    return left


def complete(
    request_id: UUID,
    attempt: int,
    *,
    data: dict[str, Any],
    files: dict[str, Any],
    then: Callable[[], object] | None = None,
) -> bool:
    """Finish with a result, both or neither.

    Args:
        then: called in the same transaction, when all that it brings with it is written; it may be
            called twice (`end_requests`).

    Returns:
        False when the attempt no longer owns the request.
    """
    values = {
        "id": request_id,
        "attempt": attempt,
        "data": json.dumps(data),
        "files": json.dumps(files),
    }

    def write() -> list[ProcessingRequest]:
        finished = fetch_requests(_COMPLETE.format(columns=columns()), values)
        for request in finished:
            result = ProcessingResult(
                request=request,
                attempt=attempt,
                data=data,
                files=files,
                created_at=cast(datetime, request.finished_at),
            )
            result._state.adding = False
        return finished

    return bool(end_requests(write, then))


def fail(request_id: UUID, attempt: int, *, code: str, message: str, **reached: Any) -> bool:
    """Finish with a reason for people to read.

    `reached` is the phase, step and progress it came to: a job may fail before its first heartbeat.
    """
    return bool(
        end_requests(
            lambda: _leave(
                request_id,
                attempt,
                Outcome.FAILED,
                status=Status.FAILED,
                **_error(code, message),
                finished_at=Now(),
                **reached,
            )
        )
    )


def retry_later(request_id: UUID, attempt: int, *, pause: float, code: str, message: str) -> bool:
    """Let a request that failed wait for another try; the reason is there until it begins.

    One that is to be cancelled is cancelled.
    """

    def write() -> list[ProcessingRequest]:
        return _cancel_or_leave(
            request_id,
            attempt,
            Outcome.FAILED,
            run_at=from_now(pause),
            retries=F("retries") + 1,
            max_attempts=F("max_attempts") + 1,
            **_error(code, message),
        )

    return bool(end_requests(write))


def _error(code: str, message: str) -> dict[str, Any]:
    return {
        "error_code": code[:50],
        "error_message": clean_text(message),
        "error_made_of": message.to_json() if isinstance(message, Message) else None,
    }


def keep_details(request_id: UUID, attempt: int, *, traceback: str, log: str) -> None:
    """Keep what helps those who run the product to find out why an attempt failed."""
    ProcessingAttempt.objects.filter(request_id=request_id, number=attempt).update(
        traceback=clean_text(traceback, DETAIL_LIMIT), log=clean_text(log, DETAIL_LIMIT)
    )


def _cancel(request_id: UUID, attempt: int) -> list[ProcessingRequest]:
    if not _mine(request_id, attempt).filter(cancel_requested=True).exists():
        return []
    return _leave(
        request_id, attempt, Outcome.CANCELLED, status=Status.CANCELLED, finished_at=Now()
    )


def _cancel_or_leave(
    request_id: UUID, attempt: int, outcome: ProcessingAttempt.Outcome, **fields: Any
) -> list[ProcessingRequest]:
    """Leave `processing` to be tried again, but for good when somebody has asked for that."""
    _mine(request_id, attempt).select_for_update().first()
    return _cancel(request_id, attempt) or _leave(request_id, attempt, outcome, **AGAIN, **fields)


def confirm_cancel(request_id: UUID, attempt: int) -> bool:
    """Finish as cancelled: somebody asked for it and the attempt has stopped."""
    return bool(end_requests(lambda: _cancel(request_id, attempt)))


AGAIN: dict[str, Any] = {
    "status": Status.PENDING,
    "phase": "",
    "step": "",
    "progress": 0,
}


def release(request_id: UUID, attempt: int, *, lease: datetime | None = None) -> bool:
    """Give a request back because the worker stops; that attempt does not count against it.

    One that is to be cancelled is cancelled.

    Args:
        lease: of a claim that may have been undone. Another worker may have the same attempt then,
            but not with the same lease.
    """

    def write() -> list[ProcessingRequest]:
        mine = _mine(request_id, attempt)
        if lease and not mine.select_for_update().filter(lease_expires_at=lease):
            return []
        return _cancel_or_leave(
            request_id, attempt, Outcome.RELEASED, max_attempts=F("max_attempts") + 1
        )

    return bool(end_requests(write))
