"""What beat sends when its clock was wrong, and when nobody takes what it sends."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from celery import current_app
from django.utils import timezone
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from backend_django.utils.beat import ENOUGH, Entry, Scheduler
from backend_django.utils.broker import message_count

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def entry() -> Entry:
    every, _ = IntervalSchedule.objects.get_or_create(every=30, period="seconds")
    row = PeriodicTask.objects.create(
        name="processing-reap", task="backend_django.processing.tasks.maintenance_reap",
        interval=every, queue="maintenance", last_run_at=timezone.now() + timedelta(hours=3),
    )  # fmt: skip
    return Entry(row, app=current_app)


def test_beat_goes_on_after_its_clock_is_put_back(entry: Entry) -> None:
    assert entry.is_due().next <= 30
    entry.last_run_at = timezone.now() - timedelta(seconds=31)
    assert entry.is_due().is_due


def test_rounds_of_a_dropped_module_are_not_sent(scheduler: Any, entry: Entry) -> None:
    row = entry.model
    assert row.name in scheduler.all_as_schedule()
    row.pk, row.name = None, "dropped-send-due"
    row.task = "backend_django.dropped.tasks.maintenance_send_due"
    row.save()
    assert row.name not in scheduler.all_as_schedule()
    row.task = "somebody.elses.report"
    row.save()
    assert row.name in scheduler.all_as_schedule()


@pytest.fixture
def scheduler() -> Iterator[Any]:
    with current_app.producer_or_acquire() as producer:
        producer.channel.queue_purge("maintenance")
        yield Scheduler(app=current_app, lazy=True)
        producer.channel.queue_purge("maintenance")


def test_rounds_that_nobody_takes_do_not_pile_up(scheduler: Any, entry: Entry) -> None:
    for _ in range(2 * ENOUGH):
        scheduler.apply_entry(entry)
    assert message_count("maintenance") == ENOUGH
    entry.name = "nightly report"  # of somebody else, and not to be made up for by the next
    scheduler.apply_entry(entry)
    assert message_count("maintenance") == ENOUGH + 1
