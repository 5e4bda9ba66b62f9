"""Processes that die and a database that refuses to write: nothing is lost or done twice."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from unittest.mock import patch

import pytest
from django.core.files.base import ContentFile
from django.db import OperationalError, connection
from django.test import Client

from backend_django.processing import advance as engine
from backend_django.processing import lifecycle
from backend_django.processing.models import ProcessingRequest
from backend_django.processing.runner import fail_crashed, run_next
from backend_django.processing.services import request_create
from backend_django.processing.tasks import advance_pipeline, maintenance_reap
from backend_django.users.models import User
from tests.pipelines import attempts, create_digest, work
from tests.wordcount.processor import Digest, ShortCount

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.slow,
    pytest.mark.usefixtures("own_folders"),
]


@pytest.mark.parametrize("point", ["_begin_step", "make_plan", "_files_of"])
def test_process_that_dies_in_the_middle_of_a_plan(
    signed_in: Client, told: list[str], point: str
) -> None:
    """As when a worker is killed: what it did not come to is done by the next round."""
    request = create_digest(signed_in, "one", "two", "three")

    def die(*_: Any) -> Any:
        raise SystemExit

    for round_ in range(12):
        told.clear()
        with patch.object(engine, point, die if round_ % 2 else getattr(engine, point)):
            for act in (
                lambda: run_next(queue="short"),
                lambda: run_next(queue="processing"),
                engine.advance_stalled,
            ):
                with suppress(SystemExit):
                    act()
        ProcessingRequest.objects.filter(status="processing").exclude(
            lease_expires_at__year=9999
        ).update(lease_expires_at="2020-01-01T00:00Z")
        maintenance_reap()
    request.refresh_from_db()
    assert request.status == "completed", request.error_message
    tried = attempts(request)
    assert set(tried) == {"lines", "count-0", "count-1", "count-2", "merge"}
    assert set(tried.values()) == {1}


def test_crash_of_a_job_fails_no_pipeline_that_its_message_has_begun(
    signed_in: Client, user: User, told: list[str]
) -> None:
    pipeline = create_digest(signed_in, "one", "two")
    assert run_next(queue="short", celery_task_id="message") == [str(pipeline.id)]
    file = ContentFile(b"one", name="a.txt")
    request_create(owner=user, processor=ShortCount, inputs={"file": [file]})
    job = lifecycle.claim(queue="short", celery_task_id="message")
    assert job
    fail_crashed("message", "exitcode 3")
    job.refresh_from_db()
    assert (job.status, job.error_code) == ("failed", "crashed")
    work(told)
    pipeline.refresh_from_db()
    assert pipeline.status == "completed"


def test_crash_in_a_plan_fails_its_pipeline(
    signed_in: Client, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def steps(self: Digest, plan: Any) -> None:
        fail_crashed("message", "exitcode 3")  # as the worker does when this process has ended
        raise SystemExit

    monkeypatch.setattr(Digest, "steps", steps)
    pipeline = create_digest(signed_in, "one")
    run_next(queue="short", celery_task_id="message")
    pipeline.refresh_from_db()
    assert (pipeline.status, pipeline.error_code) == ("failed", "crashed")


@pytest.mark.parametrize("task", ["step has ended", "round of the reaper"])
def test_crash_in_a_later_plan_fails_its_pipeline(
    signed_in: Client, monkeypatch: pytest.MonkeyPatch, told: list[str], task: str
) -> None:
    """It ended a process of the pool in each round, for ever."""
    request = create_digest(signed_in, "one", "two")
    run_next(queue="short")
    run_next(queue="processing")  # the first step

    def crash(*_: Any) -> Any:
        fail_crashed("message", "exitcode 3")  # as the worker does when this process has ended
        raise SystemExit

    monkeypatch.setattr(engine, "make_plan", crash)
    with suppress(SystemExit):
        if task == "step has ended":
            advance_pipeline.apply((told.pop(),), task_id="message")
        else:
            maintenance_reap.apply(task_id="message")
    request.refresh_from_db()
    assert (request.status, request.error_code) == ("failed", "crashed")


@contextmanager
def deadlocks_at_the_commit(table: str, condition: str = "true") -> Iterator[None]:
    """Have PostgreSQL refuse to commit new rows of a table, as when it ends a deadlock."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            CREATE FUNCTION end_deadlock() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION USING ERRCODE = 'deadlock_detected'; END $$;
            CREATE CONSTRAINT TRIGGER end_deadlock AFTER INSERT ON {table}
            DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ({condition})
            EXECUTE FUNCTION end_deadlock()"""
        )
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION end_deadlock CASCADE")


@pytest.mark.parametrize("step", ["lines", "count-1", "merge"])
def test_database_that_refuses_to_begin_a_step_ends_no_pipeline(
    signed_in: Client, told: list[str], step: str
) -> None:
    request = create_digest(signed_in, "one", "two")
    with deadlocks_at_the_commit("processing_processingrequest", f"NEW.step_key = '{step}'"):
        with suppress(OperationalError):
            work(told)
        maintenance_reap()
    request.refresh_from_db()
    assert (request.status, request.error_code) == ("processing", "")
    for _ in range(5):
        maintenance_reap()
        work(told)
    request.refresh_from_db()
    assert request.status == "completed"
    assert set(attempts(request).values()) == {1}


def test_database_that_refuses_the_result_ends_no_pipeline(
    signed_in: Client, told: list[str]
) -> None:
    request = create_digest(signed_in, "one", "two")
    its_own = f"NEW.request_id = '{request.id}'"
    with (
        deadlocks_at_the_commit("processing_processingresult", its_own),
        suppress(OperationalError),
    ):
        work(told)
    request.refresh_from_db()
    assert (request.status, request.error_code) == ("processing", "")
    maintenance_reap()
    request.refresh_from_db()
    assert request.status == "completed"


def test_plan_that_asks_a_database_of_its_own_in_vain_fails(
    signed_in: Client, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def steps(self: Digest, plan: Any) -> None:
        raise OperationalError("a database of the feature's own")

    monkeypatch.setattr(Digest, "steps", steps)
    request = create_digest(signed_in, "one")
    work(told)
    request.refresh_from_db()
    assert (request.status, request.error_code) == ("failed", "internal_error")


def test_database_that_refuses_the_result_of_a_job_costs_an_attempt(
    signed_in: Client, told: list[str], settings: Any
) -> None:
    settings.PROCESSING_LEASE_SECONDS = 0.1  # so long it is tried to write it
    file = ContentFile(b"one", name="a.txt")
    made = signed_in.post("/api/v1/wordcount/create/", {"file": file}).json()
    with deadlocks_at_the_commit("processing_processingresult"):
        run_next(queue="processing")
    maintenance_reap()
    assert run_next(queue="processing") == [made["id"]]
    done = signed_in.get(f"/api/v1/wordcount/status/{made['id']}/").json()
    assert (done["status"], done["attempt"]) == ("completed", 2)
