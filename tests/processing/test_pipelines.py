"""Requests whose steps are requests: each begun once, in their order, whatever fails between."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import OperationalError, connection
from django.test import Client

from backend_django.operations.tidy import check_files, purge_finished
from backend_django.processing import advance as engine
from backend_django.processing import lifecycle
from backend_django.processing.advance import advance
from backend_django.processing.errors import ProcessingError
from backend_django.processing.models import ProcessingAttempt, ProcessingRequest
from backend_django.processing.pipeline import PipelineOutput
from backend_django.processing.priority import Priority
from backend_django.processing.runner import fail_crashed, run_next
from backend_django.processing.services import request_create
from backend_django.processing.tasks import maintenance_reap
from backend_django.uploads.models import Upload
from backend_django.users.models import User
from tests.pipelines import work
from tests.wordcount.processor import Digest, Lines, ShortCount

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.slow,
    pytest.mark.usefixtures("own_folders"),
]
URL = "/api/v1/wordcount/digest"
Status = ProcessingRequest.Status


def create(client: Client, *lines: str) -> ProcessingRequest:
    file = ContentFile("\n".join(lines).encode(), name="a.txt")
    answer = client.post(f"{URL}/create/", {"file": file})
    assert answer.status_code == 201, answer.content
    return ProcessingRequest.objects.get(id=answer.json()["id"])


def states(client: Client, request: ProcessingRequest) -> dict[str, str]:
    answer = client.get(f"{URL}/steps/{request.id}/")
    assert answer.status_code == 200, answer.content
    return {step["key"]: step["status"] for step in answer.json()["results"]}


def attempts(request: ProcessingRequest) -> Counter[str]:
    """Return how often each step was worked on."""
    tried = ProcessingAttempt.objects.filter(request__parent=request)
    return Counter(tried.values_list("request__step_key", flat=True))


def test_chain_fan_out_and_fan_in(signed_in: Client, told: list[str]) -> None:
    request = create(signed_in, "one", "two words", "and three words")
    assert states(signed_in, request) == {"lines": "waiting"}
    assert run_next(queue="short") == [str(request.id)]
    assert states(signed_in, request) == {"lines": "pending"}
    assert run_next(queue="processing")
    advance(told.pop())  # type: ignore[arg-type]
    steps = signed_in.get(f"{URL}/steps/{request.id}/").json()["results"]
    assert [(step["key"], step["status"], step["after"]) for step in steps] == [
        ("lines", "completed", []),
        ("count-0", "pending", ["lines"]),
        ("count-1", "pending", ["lines"]),
        ("count-2", "pending", ["lines"]),
        ("merge", "waiting", ["count-0", "count-1", "count-2"]),
    ]
    assert (steps[1]["name"], steps[1]["kind"]) == ("Line 0", "wordcount")
    halfway = signed_in.get(f"{URL}/status/{request.id}/").json()
    assert (halfway["status"], 0 < halfway["progress"] < 100) == ("processing", True)
    work(told)
    done = signed_in.get(f"{URL}/status/{request.id}/").json()
    assert (done["status"], done["progress"], done["attempt"]) == ("completed", 100, 1)
    assert signed_in.get(f"{URL}/results/{request.id}/").json() == {"words": [1, 2, 3]}
    merged = signed_in.get(f"{URL}/download-merged/{request.id}/").getvalue()
    assert merged.split() == b"one two words and three words".split()
    assert set(attempts(request).values()) == {1}
    assert check_files(min_age_seconds=0).missing_files == []


def test_steps_are_not_in_the_list_and_belong_to_their_pipeline(
    signed_in: Client, told: list[str]
) -> None:
    request = create(signed_in, "one")
    work(told)
    listed = signed_in.get("/api/v1/wordcount/list/").json()
    assert listed["count"] == 0
    step = request.steps.get(step_key="count-0")
    for answer in (
        signed_in.post(f"/api/v1/wordcount/retry/{step.id}/"),
        signed_in.delete(f"/api/v1/wordcount/delete/{step.id}/"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "is_step")
        assert "a.txt" in answer.json()["detail"]
    assert signed_in.get(f"/api/v1/wordcount/results/{step.id}/").json()["words"] == 1


def test_retry_goes_on_from_the_failed_step(
    signed_in: Client, told: list[str], tmp_path: Path
) -> None:
    flag = tmp_path / "flag"
    request = create(signed_in, "one", f"NEED {flag}", "three")
    work(told)
    request.refresh_from_db()
    assert (request.status, request.error_code) == ("failed", "step_failed")
    assert request.error_message == "“Line 1” failed: It is not there yet. Try again."
    assert states(signed_in, request)["count-2"] == "completed", "the others went on"
    before = attempts(request)
    flag.touch()
    assert signed_in.post(f"{URL}/retry/{request.id}/").status_code == 200
    work(told)
    request.refresh_from_db()
    assert (request.status, request.attempt) == ("completed", 2)
    assert attempts(request) - before == Counter({"count-1": 1, "merge": 1})
    assert [attempt.outcome for attempt in request.attempts.all()] == ["failed", "completed"]


@pytest.mark.parametrize("after", range(4))
def test_cancel_goes_through_it(signed_in: Client, told: list[str], after: int) -> None:
    request = create(signed_in, "one", "two")
    for _ in range(after):
        _ = run_next(queue="short") or run_next(queue="processing")
        while told:
            advance(told.pop())  # type: ignore[arg-type]
    assert signed_in.post(f"{URL}/cancel/{request.id}/").status_code == 200
    work(told)
    request.refresh_from_db()
    assert request.status == "cancelled"
    assert not request.steps.exclude(status__in=ProcessingRequest.FINAL).exists()
    assert signed_in.post(f"{URL}/retry/{request.id}/").status_code == 200
    work(told)
    request.refresh_from_db()
    assert request.status == "completed"
    assert set(attempts(request).values()) == {1}, "a finished step is never run twice"


def test_delete_goes_through_it(signed_in: Client, told: list[str]) -> None:
    request = create(signed_in, "one", "two")
    work(told)
    assert signed_in.delete(f"{URL}/delete/{request.id}/").status_code == 204
    assert not ProcessingRequest.objects.exists()
    assert not Upload.objects.exists()
    assert [p for p in Path(default_storage.path("")).rglob("*") if p.is_file()] == []


def test_result_of_a_step_that_is_in_use_keeps_its_pipeline(
    signed_in: Client, told: list[str], settings: Any
) -> None:
    request = create(signed_in, "one", "two")
    work(told)
    step = request.steps.get(step_key="merge")
    sources = {"texts": [f"request:{step.id}"], "name": "Sum"}
    made = signed_in.post("/api/v1/wordcount/merge/create/", sources)
    assert made.status_code == 201, made.content
    refused = signed_in.delete(f"{URL}/delete/{request.id}/")
    assert (refused.status_code, refused.json()["code"]) == (409, "in_use")
    assert "Sum" in refused.json()["detail"]
    settings.PROCESSING_RETENTION_DAYS = 1
    ProcessingRequest.objects.filter(id=request.id).update(finished_at="2020-01-01T00:00Z")
    assert purge_finished() == 0
    work(told)
    assert signed_in.delete(f"{URL}/delete/{request.id}/").status_code == 204


def test_failed_pipeline_names_the_step_that_failed_first(
    signed_in: Client, told: list[str]
) -> None:
    request = create(signed_in, *["NEED /nowhere"] * 3)
    assert run_next(queue="short")
    assert run_next(queue="processing")
    advance(told.pop())  # type: ignore[arg-type]
    request.steps.filter(step_key="count-1").update(priority=Priority.HIGH)  # neither end of a list
    work(told)
    assert set(states(signed_in, request).values()) == {"completed", "failed", "waiting"}
    request.refresh_from_db()
    assert request.error_message == "“Line 1” failed: It is not there yet. Try again."


def test_lost_message_costs_a_round_of_the_reaper(signed_in: Client, told: list[str]) -> None:
    request = create(signed_in, "one", "two")
    for _ in range(12):
        told.clear()
        _ = run_next(queue="short") or run_next(queue="processing") or maintenance_reap()
    request.refresh_from_db()
    assert request.status == "completed"
    assert set(attempts(request).values()) == {1}


def test_steps_that_end_at_once_begin_the_next_one_once(signed_in: Client, told: list[str]) -> None:
    request = create(signed_in, *["word"] * 20)
    run_next(queue="short")
    run_next(queue="processing")
    advance(told.pop())  # type: ignore[arg-type]

    def worker(_: int) -> None:
        try:
            run_next(queue="processing")
            advance(request.id)
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(worker, range(40)))
    told.clear()
    advance(request.id)
    request.refresh_from_db()
    assert request.status == "completed"
    assert attempts(request) == Counter(
        ["lines", "merge", *(f"count-{number}" for number in range(20))]
    )


@pytest.mark.parametrize("point", ["_begin_step", "make_plan", "_files_of"])
def test_process_that_dies_in_the_middle_of_a_plan(
    signed_in: Client, told: list[str], point: str
) -> None:
    """As when a worker is killed: what it did not come to is done by the next round."""
    request = create(signed_in, "one", "two", "three")

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
    assert request.status == "completed", (request.error_message, states(signed_in, request))
    tried = attempts(request)
    assert set(tried) == {"lines", "count-0", "count-1", "count-2", "merge"}
    assert set(tried.values()) == {1}


def test_crash_of_a_job_fails_no_pipeline_that_its_message_has_begun(
    signed_in: Client, user: User, told: list[str]
) -> None:
    pipeline = create(signed_in, "one", "two")
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
    pipeline = create(signed_in, "one")
    run_next(queue="short", celery_task_id="message")
    pipeline.refresh_from_db()
    assert (pipeline.status, pipeline.error_code) == ("failed", "crashed")


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
    request = create(signed_in, "one", "two")
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
    request = create(signed_in, "one", "two")
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
    request = create(signed_in, "one")
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


def test_plan_that_is_wrong_fails_in_words_and_stops_its_steps(
    signed_in: Client, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    request = create(signed_in, "one", "two")
    run_next(queue="short")
    run_next(queue="processing")

    def steps(self: Digest, plan: Any) -> None:
        lines = plan.step("lines", Digest)
        for number in range(lines.result["no such"]):
            plan.step(str(number), Digest)

    monkeypatch.setattr(Digest, "steps", steps)
    work(told)
    request.refresh_from_db()
    assert (request.status, request.error_code) == ("failed", "internal_error")
    assert "no such" not in request.error_message
    assert str(request.id) in request.error_message


@pytest.mark.parametrize(
    ("data", "files", "code"),
    [
        ({"word": [1]}, {}, "internal_error"),
        ({"words": "many"}, {}, "internal_error"),
        ({"words": [float("nan")]}, {}, "internal_error"),
        ({"words": list(range(1000))}, {}, "result_too_large"),
        ({"words": [1]}, {"no/key": "merged"}, "internal_error"),
        ({"words": [1]}, {}, ""),
    ],
)
def test_result_that_nobody_could_be_shown_is_not_stored(
    signed_in: Client, told: list[str], monkeypatch: pytest.MonkeyPatch, settings: Any,
    data: Any, files: dict[str, str], code: str,
) -> None:  # fmt: skip
    settings.PROCESSING_MAX_RESULT_BYTES = 2000

    def steps(self: Digest, plan: Any) -> PipelineOutput:
        lines = plan.step("lines", Lines, inputs={"file": plan.files("file")})
        return PipelineOutput(data, {key: lines.file("line-0") for key in files})

    monkeypatch.setattr(Digest, "steps", steps)
    request = create(signed_in, "one", "two")
    work(told)
    request.refresh_from_db()
    assert (request.status, request.error_code) == ("failed" if code else "completed", code)


def test_plan_may_say_why_it_is_impossible(
    signed_in: Client, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def steps(self: Digest, plan: Any) -> None:
        plan.step("lines", Lines, inputs={"file": plan.files("file")})
        raise ProcessingError("no_words", "There is nothing to count.")

    monkeypatch.setattr(Digest, "steps", steps)
    request = create(signed_in, "one", "two")
    work(told)
    request.refresh_from_db()
    assert (request.error_code, request.error_message) == ("no_words", "There is nothing to count.")


def test_limits_count_the_steps_and_not_the_pipeline(
    signed_in: Client, told: list[str], settings: Any
) -> None:
    settings.PROCESSING_MAX_RUNNING = 1
    settings.PROCESSING_MAX_RUNNING_PER_USER = 1
    request = create(signed_in, "one", "two")
    work(told)
    request.refresh_from_db()
    assert request.status == "completed"


def test_deadline_stops_its_steps(signed_in: Client, told: list[str]) -> None:
    request = create(signed_in, "one", "two")
    run_next(queue="short")
    run_next(queue="processing")
    advance(told.pop())  # type: ignore[arg-type]
    ProcessingRequest.objects.filter(id=request.id).update(deadline_at="2020-01-01T00:00Z")
    maintenance_reap()
    request.refresh_from_db()
    assert (request.status, request.error_code) == ("failed", "deadline_passed")
    assert states(signed_in, request) == {
        "lines": "completed", "count-0": "cancelled", "count-1": "cancelled", "merge": "waiting",
    }  # fmt: skip


def test_another_person_sees_nothing_of_it(signed_in: Client, told: list[str]) -> None:
    request = create(signed_in, "one")
    work(told)
    eve = Client()
    eve.force_login(User.objects.create_user("eve@example.org", "pw"))
    assert eve.get(f"{URL}/steps/{request.id}/").status_code == 404
