"""Requests that nobody submits: a processor's `schedule` makes one for each time that is due.

The schedule itself is a periodic task of django-celery-beat, where the admin edits, disables and
describes it. How far it has come is a row of ours, locked while requests are made: so each due time
makes its requests once, with two beats, and after an hour without any.
"""

import json
import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from cronsim import CronSim
from django.conf import settings
from django.db import transaction
from django_celery_beat.models import CrontabSchedule, PeriodicTask

from backend_django.utils.database_time import database_now
from backend_django.utils.errors import DomainError

from .models import Schedule
from .processor import Processor
from .registry import all_processors
from .services import request_create

logger = logging.getLogger(__name__)
TASK = "backend_django.processing.tasks.run_schedules"
FIELDS = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week")
# What was due longer ago is not made up for, nor more than so many at once.
LATEST = timedelta(days=1)
AT_ONCE = 100


def schedules_run(kind: str | None = None) -> int:
    """Make the requests that are due; return how many there were.

    Args:
        kind: only those of this kind.
    """
    made = 0
    for processor in all_processors():
        if processor.schedule and kind in (None, processor.name):
            try:
                made += _run(processor)
            except Exception:  # of one feature; the others' schedules are as good as before
                logger.exception("the schedule of %s failed", processor.name)
    return made


def _run(processor: type[Processor]) -> int:
    task = _periodic_task(processor)
    with transaction.atomic():
        Schedule.objects.get_or_create(kind=processor.name)
        rows = Schedule.objects.select_for_update(skip_locked=True)
        schedule = rows.filter(kind=processor.name).first()
        if schedule is None:  # another process is at it
            return 0
        now = database_now()
        if not task.enabled or task.crontab is None:
            schedule.done_until = now
            schedule.save(update_fields=["done_until"])
            return 0
        parameters = json.loads(task.kwargs or "{}").get("parameters", {})
        made = 0
        for due in due_times(task.crontab, max(schedule.done_until, now - LATEST), now):
            made += _make(processor, due, parameters)
            schedule.done_until = due
        schedule.save(update_fields=["done_until"])
    return made


def _make(processor: type[Processor], due: datetime, parameters: dict[str, Any]) -> int:
    owners = list(processor.schedule_owners())
    local = due.astimezone(ZoneInfo(settings.TIME_ZONE))
    made = 0
    for owner in owners:
        try:
            with transaction.atomic():
                request_create(
                    owner=owner,
                    processor=processor,
                    name=f"{processor.title} {local:%Y-%m-%d %H:%M}",
                    parameters=processor.check_parameters(parameters),
                    idempotency_key=f"schedule:{due.isoformat()}",
                )
            made += 1
        except DomainError as error:  # of one owner: they go without, the others do not
            logger.warning(
                "no request of %s for account %s: %s", processor.name, owner.pk, error.code
            )
    if not owners:
        logger.warning("the schedule of %s has nobody to make a request for", processor.name)
    return made


def due_times(crontab: CrontabSchedule, after: datetime, until: datetime) -> Iterator[datetime]:
    """Give the times after one and until the other at which a schedule is due.

    As Debian's cron does where clocks change: a job at a time that does not exist runs when that
    hour is over, one at a time that exists twice runs once; jobs of every hour run every hour. But
    `*/20 2 * * *` is a job at three times of a day here, and not one of every hour.
    """
    minute, *others = (str(getattr(crontab, name)) for name in FIELDS)
    if minute.startswith("*") and not others[0].startswith("*"):
        minute = minute.replace("*", "0-59", 1)
    expression = " ".join([minute, *others])
    times = CronSim(expression, after.astimezone(ZoneInfo(str(crontab.timezone))))
    for _, due in zip(range(AT_ONCE), times, strict=False):
        if due > until:
            return
        yield due


def _periodic_task(processor: type[Processor]) -> PeriodicTask:
    """Return the periodic task that says when; what the processor says is where it begins."""
    name = f"schedule: {processor.name}"
    task = PeriodicTask.objects.filter(name=name).select_related("crontab").first()
    if task is None:
        values = dict(zip(FIELDS, (processor.schedule or "").split(), strict=True))
        # Nothing keeps the admin from making two that are equal: get() would refuse them.
        same = CrontabSchedule.objects.filter(**values, timezone=settings.TIME_ZONE)
        crontab = same.first() or same.create(**values, timezone=settings.TIME_ZONE)
        task, _ = PeriodicTask.objects.get_or_create(
            name=name,
            defaults={
                "task": TASK,
                "crontab": crontab,
                "kwargs": json.dumps({"kind": processor.name, "parameters": {}}),
                "queue": "default",
                "description": f"Makes a request of {processor.title} whenever it is due.",
            },
        )
    return task
