"""Requests by a schedule: one for each time that is due, however often somebody looks."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django_celery_beat.models import CrontabSchedule, PeriodicTask

from backend_django.processing import schedules
from backend_django.processing.models import ProcessingRequest, Schedule
from backend_django.processing.schedules import due_times, schedules_run
from backend_django.processing.tasks import maintenance_reap, run_schedules
from backend_django.uploads.quota import work_count
from backend_django.users.models import User
from tests.wordcount.processor import Report

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now_ = NOW

    def now(self) -> datetime:
        return self.now_


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(schedules, "database_now", clock.now)
    Schedule.objects.create(kind="report", done_until=NOW)
    return clock


@pytest.fixture(autouse=True)
def owner(db: None) -> User:
    return User.objects.create_superuser("root@example.org", "pw")


def names() -> list[str]:
    return list(ProcessingRequest.objects.order_by("created_at").values_list("name", flat=True))


def test_each_due_time_makes_one_request(clock: Clock, owner: User) -> None:
    assert schedules_run() == 0
    clock.now_ += timedelta(hours=14, minutes=29)
    assert schedules_run() == 0
    clock.now_ += timedelta(minutes=2)
    assert schedules_run() == 1
    assert schedules_run() == 0
    maintenance_reap()
    run_schedules(kind="report", parameters={})
    assert names() == ["Report 2026-03-11 02:30"]
    assert ProcessingRequest.objects.get().owner == owner


def test_after_an_hour_without_beat_what_was_due_is_made_up_for(clock: Clock) -> None:
    schedules_run()
    CrontabSchedule.objects.update(minute="*/20", hour="*")
    clock.now_ += timedelta(minutes=65)
    assert schedules_run() == 3
    assert [name[-5:] for name in names()] == ["12:20", "12:40", "13:00"]
    clock.now_ += timedelta(days=40)
    assert schedules_run() == 72, "and not for more than a day"


def test_two_beats_at_once(clock: Clock) -> None:
    schedules_run()
    clock.now_ += timedelta(days=1)

    def beat(_: int) -> int:
        try:
            return schedules_run()
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(beat, range(12))) == 1
    assert len(names()) == 1


def test_crash_in_the_middle_makes_neither_none_nor_two(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedules_run()
    CrontabSchedule.objects.update(minute="0", hour="*")
    clock.now_ += timedelta(hours=4)
    made, calls = schedules.request_create, []

    def die_at_the_third(**fields: Any) -> Any:
        calls.append(fields)
        if len(calls) == 3:
            raise SystemExit
        return made(**fields)

    monkeypatch.setattr(schedules, "request_create", die_at_the_third)
    with pytest.raises(SystemExit):
        schedules_run()
    assert schedules_run() == 4
    assert [name[-5:] for name in names()] == ["13:00", "14:00", "15:00", "16:00"]


def test_the_admin_edits_it(clock: Clock, admin_client: Client) -> None:
    schedules_run()
    task = PeriodicTask.objects.get(name="schedule: report")
    page = admin_client.get(f"/admin/django_celery_beat/periodictask/{task.id}/change/")
    assert "schedule: report" in page.content.decode()
    task.enabled = False
    task.save()
    clock.now_ += timedelta(days=3)
    assert schedules_run() == 0
    task.enabled = True
    task.kwargs = '{"kind": "report", "parameters": {"no": "such"}}'
    task.save()
    assert schedules_run() == 0, "what was due while it was disabled is not made up for"
    clock.now_ += timedelta(days=1)
    assert schedules_run() == 1


def test_owner_who_may_have_no_more_today_keeps_no_other_from_theirs(
    clock: Clock, owner: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
    settings: Any,
) -> None:  # fmt: skip
    settings.PROCESSING_DAILY_CPU_SECONDS = 60
    other = User.objects.create_superuser("ida@example.org", "pw")
    monkeypatch.setattr(Report, "schedule_owners", lambda: User.objects.order_by("id"))
    schedules_run()
    work_count(owner_id=owner.pk, seconds=61)
    clock.now_ += timedelta(days=1)
    assert schedules_run() == 1
    assert ProcessingRequest.objects.get().owner == other
    assert f"no request of report for account {owner.pk}: daily_work_limit" in caplog.text
    assert schedules_run() == 0, "it is not made up for later"


def test_equal_times_that_the_admin_has_twice(clock: Clock) -> None:
    for _ in range(2):
        CrontabSchedule.objects.create(minute="30", hour="2", timezone=settings.TIME_ZONE)
    schedules_run()
    clock.now_ += timedelta(days=1)
    assert schedules_run() == 1


def test_schedule_that_fails_does_not_keep_others_from_running(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    schedules_run()
    PeriodicTask.objects.filter(name="schedule: report").update(kwargs="{")
    clock.now_ += timedelta(days=1)
    assert schedules_run() == 0
    assert "the schedule of report failed" in caplog.text
    PeriodicTask.objects.filter(name="schedule: report").update(kwargs="{}")
    assert schedules_run() == 1


@pytest.mark.parametrize(
    ("minute", "hour", "day", "expected"),
    [
        # Clocks go from 2:00 to 3:00, so 2:30 does not exist: it runs when the hour is over.
        ("30", "2", (2026, 3, 29), ["03:00"]),
        ("*/20", "2", (2026, 3, 29), ["03:00"]),
        # They go back from 3:00 to 2:00, so 2:30 is there twice: it runs once.
        ("30", "2", (2026, 10, 25), ["02:30"]),
        ("*/20", "2", (2026, 10, 25), ["02:00", "02:20", "02:40"]),
        # Jobs of every hour run in every hour that there is.
        ("30", "*", (2026, 3, 29), [f"{hour:02}:30" for hour in range(24) if hour != 2]),
        ("30", "*", (2026, 10, 25), sorted([*(f"{hour:02}:30" for hour in range(24)), "02:30"])),
    ],
)
def test_when_clocks_change(
    minute: str, hour: str, day: tuple[int, int, int], expected: list[str]
) -> None:
    zone = ZoneInfo("Europe/Berlin")
    crontab = CrontabSchedule(minute=minute, hour=hour, timezone="Europe/Berlin")
    begin = datetime(*day, tzinfo=zone)
    until = (begin + timedelta(days=1)).astimezone(UTC)
    found = list(due_times(crontab, begin.astimezone(UTC), until))
    assert [f"{at.astimezone(zone):%H:%M}" for at in found] == expected
