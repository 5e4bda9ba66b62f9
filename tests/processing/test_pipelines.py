"""Requests whose steps are requests: each begun once, in their order, whatever fails between."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.db import connection
from django.test import Client

from backend_django.operations.tidy import check_files, purge_finished
from backend_django.processing.advance import advance
from backend_django.processing.errors import ProcessingError
from backend_django.processing.models import ProcessingRequest
from backend_django.processing.pipeline import PipelineOutput
from backend_django.processing.priority import Priority
from backend_django.processing.runner import run_next
from backend_django.processing.tasks import maintenance_reap
from backend_django.uploads.models import Upload
from backend_django.users.models import User
from tests.pipelines import attempts, create_digest, work
from tests.wordcount.processor import Digest, Lines

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.slow,
    pytest.mark.usefixtures("own_folders"),
]
URL = "/api/v1/wordcount/digest"
Status = ProcessingRequest.Status


def states(client: Client, request: ProcessingRequest) -> dict[str, str]:
    answer = client.get(f"{URL}/steps/{request.id}/")
    assert answer.status_code == 200, answer.content
    return {step["key"]: step["status"] for step in answer.json()["results"]}


def test_chain_fan_out_and_fan_in(signed_in: Client, told: list[str]) -> None:
    request = create_digest(signed_in, "one", "two words", "and three words")
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
    request = create_digest(signed_in, "one")
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
    request = create_digest(signed_in, "one", f"NEED {flag}", "three")
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
    request = create_digest(signed_in, "one", "two")
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
    request = create_digest(signed_in, "one", "two")
    work(told)
    assert signed_in.delete(f"{URL}/delete/{request.id}/").status_code == 204
    assert not ProcessingRequest.objects.exists()
    assert not Upload.objects.exists()
    assert [p for p in Path(default_storage.path("")).rglob("*") if p.is_file()] == []


def test_result_of_a_step_that_is_in_use_keeps_its_pipeline(
    signed_in: Client, told: list[str], settings: Any
) -> None:
    request = create_digest(signed_in, "one", "two")
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
    request = create_digest(signed_in, *["NEED /nowhere"] * 3)
    assert run_next(queue="short")
    assert run_next(queue="processing")
    advance(told.pop())  # type: ignore[arg-type]
    request.steps.filter(step_key="count-1").update(priority=Priority.HIGH)  # neither end of a list
    work(told)
    assert set(states(signed_in, request).values()) == {"completed", "failed", "waiting"}
    request.refresh_from_db()
    assert request.error_message == "“Line 1” failed: It is not there yet. Try again."


def test_lost_message_costs_a_round_of_the_reaper(signed_in: Client, told: list[str]) -> None:
    request = create_digest(signed_in, "one", "two")
    for _ in range(12):
        told.clear()
        _ = run_next(queue="short") or run_next(queue="processing") or maintenance_reap()
    request.refresh_from_db()
    assert request.status == "completed"
    assert set(attempts(request).values()) == {1}


def test_steps_that_end_at_once_begin_the_next_one_once(signed_in: Client, told: list[str]) -> None:
    request = create_digest(signed_in, *["word"] * 20)
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


def test_plan_that_is_wrong_fails_in_words_and_stops_its_steps(
    signed_in: Client, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    request = create_digest(signed_in, "one", "two")
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
    request = create_digest(signed_in, "one", "two")
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
    request = create_digest(signed_in, "one", "two")
    work(told)
    request.refresh_from_db()
    assert (request.error_code, request.error_message) == ("no_words", "There is nothing to count.")


def test_limits_count_the_steps_and_not_the_pipeline(
    signed_in: Client, told: list[str], settings: Any
) -> None:
    settings.PROCESSING_MAX_RUNNING = 1
    settings.PROCESSING_MAX_RUNNING_PER_USER = 1
    request = create_digest(signed_in, "one", "two")
    work(told)
    request.refresh_from_db()
    assert request.status == "completed"


def test_deadline_stops_its_steps(signed_in: Client, told: list[str]) -> None:
    request = create_digest(signed_in, "one", "two")
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
    request = create_digest(signed_in, "one")
    work(told)
    eve = Client()
    eve.force_login(User.objects.create_user("eve@example.org", "pw"))
    assert eve.get(f"{URL}/steps/{request.id}/").status_code == 404
