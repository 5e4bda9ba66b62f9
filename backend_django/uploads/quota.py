"""Daily limits (UTC) of a user's uploads and of the processor time of their jobs.

Uploads are counted as they begin. Deleting gives nothing back; what never arrived does: an upload
that failed, or the chunks of one that was thrown away. Processor time is what the system measured
of each attempt, however it ended, so that no file and no job can hide it.
"""

import math
from datetime import UTC, datetime, time, timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.db.models import F
from django.db.models.functions import Greatest
from django.utils import timezone

from backend_django.live.publish import publish_on_commit
from backend_django.users.models import User
from backend_django.utils.errors import LimitReached, TooLarge
from backend_django.utils.messages import Message
from backend_django.utils.prepared import fetch_row, prepared_cursor

from .models import DailyUsage, Upload

TOPIC = "usage"  # of event streams
KEPT_DAYS = 30
NO_LIMIT = 2**62
_TAKE = """
    INSERT INTO processing_dailyuploads AS today (owner_id, day, bytes, cpu_seconds)
    VALUES (%(owner)s, %(day)s, %(size)s, 0)
    ON CONFLICT (owner_id, day) DO UPDATE SET bytes = today.bytes + excluded.bytes
    WHERE today.bytes + excluded.bytes <= %(most)s AND today.cpu_seconds < %(seconds)s
    RETURNING id"""
_WORKED = """
    INSERT INTO processing_dailyuploads AS today (owner_id, day, bytes, cpu_seconds)
    VALUES (%s, %s, 0, %s)
    ON CONFLICT (owner_id, day) DO UPDATE
    SET cpu_seconds = today.cpu_seconds + excluded.cpu_seconds"""
_TODAY = "SELECT bytes, cpu_seconds FROM processing_dailyuploads WHERE owner_id = %s AND day = %s"


class Usage(NamedTuple):
    """A user's consumption of a day."""

    bytes: int = 0
    cpu_seconds: float = 0.0


class QuotaUsedUp(LimitReached):
    """There is room again after midnight."""

    code = "daily_quota"


class WorkUsedUp(LimitReached):
    """Jobs have had their processor time of the day."""

    code = "daily_work_limit"


def human(size: int) -> Message:
    """Return bytes in words, as the page does: 4.29 GB."""
    value, units = float(size), [Message("bytes"), "kB", "MB", "GB", "TB"]
    while value >= 999.5 and len(units) > 1:
        value /= 1000
        units.pop(0)
    return Message("%(value)s %(unit)s", value=_short(value), unit=units[0])


def _short(value: float) -> float:
    """Return a number with three digits that count."""
    rounded = float(f"{value:.3g}")
    return int(rounded) if rounded.is_integer() else rounded


def refuse_larger(size: int, limit: int) -> None:
    """Raise TooLarge for a file of more bytes than are allowed."""
    if size > limit:
        raise TooLarge(
            Message("The file is larger than the %(limit)s that are allowed.", limit=human(limit))
        )


def resets_at() -> datetime:
    """Return when the next day begins."""
    return datetime.combine(timezone.now().date() + timedelta(days=1), time(), UTC)


def usage_of(owner_id: Any) -> dict[str, Any]:
    """Return what one has uploaded today, and may; None where there is no limit."""
    today = _today(owner_id)
    return {
        "uploaded_bytes": today.bytes,
        "daily_bytes": settings.PROCESSING_DAILY_UPLOAD_BYTES or None,
        "cpu_seconds": round(today.cpu_seconds, 3),
        "daily_cpu_seconds": settings.PROCESSING_DAILY_CPU_SECONDS or None,
        "resets_at": resets_at(),
    }


def quota_check(*, owner: User, size: int) -> None:
    """Refuse what would not fit today, before anybody waits for its bytes.

    Raises:
        TooLarge: it would not fit on any day.
        QuotaUsedUp: it would on another.
        WorkUsedUp: nothing would be done with it today.
    """
    limit = settings.PROCESSING_DAILY_UPLOAD_BYTES
    if limit and size > limit:
        raise TooLarge(
            Message("The file is larger than the %(limit)s allowed in a day.", limit=human(limit))
        )
    today = _today(owner.pk)
    _check_work(today)
    if limit and today.bytes + size > limit:
        raise QuotaUsedUp(
            Message(
                "This would be more than the %(limit)s you may upload in a day. "
                "%(left)s are left today. Try again after midnight UTC.",
                limit=human(limit),
                left=human(max(0, limit - today.bytes)),
            ),
            retry_after=_seconds_left(),
        )


def work_check(*, owner_id: Any) -> None:
    """Refuse work for somebody whose jobs have had their processor time of today.

    Raises:
        WorkUsedUp
    """
    if settings.PROCESSING_DAILY_CPU_SECONDS:
        _check_work(_today(owner_id))


def _today(owner_id: Any) -> Usage:
    # Each request and each attempt asks this; composing it costs Django ten times as much.
    return Usage(*(fetch_row(_TODAY, [owner_id, timezone.now().date()]) or ()))


def _check_work(today: Usage) -> None:
    limit = settings.PROCESSING_DAILY_CPU_SECONDS
    if limit and today.cpu_seconds >= limit:
        raise WorkUsedUp(
            Message(
                "Your jobs have used the %(limit)s minutes of processor time that you "
                "have in a day. Try again after midnight UTC.",
                limit=_short(limit / 60),
            ),
            retry_after=_seconds_left(),
        )


def work_count(*, owner_id: Any, seconds: float) -> None:
    """Count the processor time of attempts that have ended."""
    with prepared_cursor() as cursor:
        cursor.execute(_WORKED, [owner_id, timezone.now().date(), seconds])
    publish_on_commit(user_ids=[owner_id], topic=TOPIC)


def _seconds_left() -> int:
    return math.ceil((resets_at() - timezone.now()).total_seconds())


def quota_take(*, owner: User, size: int) -> None:
    """Count bytes that are about to come; parallel uploads cannot take the same ones.

    Raises:
        TooLarge, QuotaUsedUp, WorkUsedUp: as `quota_check`.
    """
    values: dict[str, Any] = {
        "owner": owner.pk,
        "day": timezone.now().date(),
        "size": size,
        "most": settings.PROCESSING_DAILY_UPLOAD_BYTES or NO_LIMIT,
        "seconds": settings.PROCESSING_DAILY_CPU_SECONDS or NO_LIMIT,
    }
    if size <= values["most"] and fetch_row(_TAKE, values):
        publish_on_commit(user_ids=[owner.pk], topic=TOPIC)
        return
    quota_check(owner=owner, size=size)  # says why
    raise QuotaUsedUp(retry_after=1)  # it had fitted by then: something was given back


def quota_give_back(*, upload: Upload) -> None:
    """Take back what was counted for the bytes of an upload that never arrived.

    Of chunks that went straight into the storage nobody here knows, so they stay counted.
    """
    if upload.mode == "direct":
        return
    missing = upload.size - sum(upload.length_of(number) for number in upload.received)
    DailyUsage.objects.filter(owner=upload.owner_id, day=upload.created_at.date()).update(
        bytes=Greatest(F("bytes") - missing, 0)
    )
    publish_on_commit(user_ids=[upload.owner_id], topic=TOPIC)


def quota_forget() -> None:
    """Remove the days that nobody asks about any more."""
    DailyUsage.objects.filter(day__lt=timezone.now().date() - timedelta(days=KEPT_DAYS)).delete()
