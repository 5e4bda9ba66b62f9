"""Pipelines as people see them: however many steps there are, a graph of a few stages."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from backend_django.processing import stages
from backend_django.processing.lifecycle import NEVER
from backend_django.processing.models import ProcessingRequest, ProcessingResult
from backend_django.processing.stages import StepState, group_steps
from backend_django.users.models import User
from tests.wordcount.processor import Digest

pytestmark = pytest.mark.slow

ROOT = "/api/v1/requests"


def step(key: str, *after: str, kind: str = "k", status: str = "waiting", **more: Any) -> StepState:
    fields = {"name": key, "title": kind, "request": None, "progress": 0, "error_message": ""}
    return StepState(key=key, kind=kind, after=after, status=status, **(fields | more))


def graph(steps: list[StepState]) -> list[tuple[str, list[str], int]]:
    return [(s.key, sorted(s.after), len(s.steps)) for s in group_steps(steps)]


@pytest.mark.parametrize(
    ("steps", "found"),
    [
        ([], []),
        (
            [step("a"), step("b", "a"), step("c", "b")],
            [("a", [], 1), ("b", ["a"], 1), ("c", ["b"], 1)],
        ),
        (
            [step("a"), *(step(f"b-{n}", "a") for n in range(9)), step("c", "b-0", "b-8")],
            [("a", [], 1), ("b-0", ["a"], 9), ("c", ["b-0"], 1)],
        ),
        (  # a chain for each of a list is two stages
            [s for n in range(3) for s in (step(f"get-{n}"), step(f"put-{n}", f"get-{n}"))],
            [("get-0", [], 3), ("put-0", ["get-0"], 3)],
        ),
        ([step("north"), step("south")], [("north", [], 1), ("south", [], 1)]),
        ([step("p1"), step("p2", kind="other")], [("p1", [], 1), ("p2", [], 1)]),
        ([step("page-1-text"), step("page-22-text")], [("page-1-text", [], 2)]),
        ([step("do-1"), step("do-2", "do-1")], [("do-1", [], 1), ("do-2", ["do-1"], 1)]),
    ],
)  # fmt: skip
def test_steps_of_one_kind_and_place_are_one_stage(
    steps: list[StepState], found: list[tuple[str, list[str], int]]
) -> None:
    assert graph(steps) == found


def test_many_steps_with_names_instead_of_numbers_are_one_stage() -> None:
    letters = [f"{a}{b}" for a in "abcdefghij" for b in "klmnopqrst"]
    steps = [step("first"), *(step(key, "first", kind="site") for key in letters)]
    assert graph(steps) == [("first", [], 1), ("ak", ["first"], 100)]


@pytest.mark.parametrize(
    ("statuses", "whole"),
    [
        ("completed completed", "completed"),
        ("completed processing failed", "processing"),
        ("completed pending", "processing"),
        ("pending waiting", "pending"),
        ("pending failed", "pending"),
        ("completed failed waiting", "failed"),
        ("completed cancelled", "cancelled"),
        ("completed waiting", "waiting"),
        ("waiting waiting", "waiting"),
    ],
)
def test_status_of_a_stage(statuses: str, whole: str) -> None:
    steps = [step(f"s{n}", status=status) for n, status in enumerate(statuses.split())]
    (stage,) = group_steps(steps)
    assert stage.status == whole
    assert sum(stage.counts.values()) == len(steps)


def pipeline_of_lines(owner: User, lines: int, **first: Any) -> ProcessingRequest:
    """Return a digest that has come to its fan-out."""
    made = ProcessingRequest.objects.create(
        owner=owner, kind="digest", name="a.txt", status="processing", lease_expires_at=NEVER
    )

    def row(kind: str, name: str, key: str, status: str = "pending", **more: Any) -> Any:
        ended = timezone.now() if status in ProcessingRequest.FINAL else None
        fields = {"owner": owner, "parent": made, "kind": kind, "name": name, "step_key": key}
        return ProcessingRequest(status=status, finished_at=ended, **fields, **more)

    counts = [("wordcount", f"Line {number}", f"count-{number}") for number in range(lines)]
    split, *_ = ProcessingRequest.objects.bulk_create(
        [
            row("split", "Lines", "lines", "completed", progress=100),
            row(*counts[0], **first),
            *(row(*count) for count in counts[1:]),
        ]
    )
    files = {
        f"line-{n}": {"name": "x", "filename": "x", "size": 1, "content_type": "", "sha256": ""}
        for n in range(lines)
    }
    ProcessingResult.objects.create(request=split, attempt=1, data={"lines": lines}, files=files)
    return made


@pytest.mark.django_db
def test_pipeline_of_a_thousand_steps_is_a_small_answer(signed_in: Client, user: User) -> None:
    failed = {"status": "failed", "error_message": "It is not text.", "progress": 40}
    made = pipeline_of_lines(user, 1000, **failed)
    with CaptureQueriesContext(connection) as queries:
        answer = signed_in.get(f"{ROOT}/stages/{made.id}/")
    assert answer.status_code == 200, answer.content
    found = answer.json()
    assert (found["steps"], found["left_out"]) == (1003, 0)
    assert [(s["key"], s["after"], s["count"], s["status"]) for s in found["stages"]] == [
        ("lines", [], 1, "completed"),
        ("count-0", ["lines"], 1000, "pending"),
        ("merge", ["count-0"], 1, "waiting"),
        ("copy", ["merge"], 1, "waiting"),
    ]
    lines, counts, merge, _ = found["stages"]
    assert lines["request"] == str(made.steps.get(step_key="lines").id)
    assert (lines["name"], counts["name"], merge["name"]) == ("Lines", "Word count", "Merge")
    assert counts["counts"] == {"failed": 1, "pending": 999}
    assert (counts["error_message"], counts["request"]) == ("It is not text.", None)
    assert len(answer.content) < 2000
    statements = [query["sql"] for query in queries if "processing_" in query["sql"]]
    assert len(statements) == 2, statements  # the request and its steps


@pytest.mark.django_db
def test_steps_come_in_pages_and_by_stage_and_status(signed_in: Client, user: User) -> None:
    made = pipeline_of_lines(user, 30, status="failed")

    def keys(query: str, address: str = ROOT) -> tuple[int, list[str]]:
        answer = signed_in.get(f"{address}/steps/{made.id}/?{query}")
        assert answer.status_code == 200, answer.content
        return answer.json()["count"], [row["key"] for row in answer.json()["results"]]

    assert keys("page_size=2") == (33, ["lines", "count-0"])
    assert keys("page_size=2", "/api/v1/wordcount/digest") == (33, ["lines", "count-0"])
    assert keys("stage=count-0&page=2&page_size=25")[1] == [f"count-{n}" for n in range(25, 30)]
    assert keys("stage=count-0&status=failed") == (1, ["count-0"])
    assert keys("stage=nothing") == (0, [])
    assert signed_in.get(f"{ROOT}/steps/{made.id}/?status=lost").status_code == 400
    assert signed_in.get(f"{ROOT}/steps/{made.id}/?stages=a").status_code == 400
    merge = signed_in.get(f"{ROOT}/steps/{made.id}/?stage=merge").json()["results"][0]
    assert (merge["stage"], len(merge["after"]), merge["request"]) == ("merge", 30, None)


@pytest.mark.django_db
def test_stages_past_the_limit_are_counted(
    signed_in: Client, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend_django.processing.api.pipelines.MOST", 2)
    found = signed_in.get(f"{ROOT}/stages/{pipeline_of_lines(user, 3).id}/").json()
    assert ([stage["key"] for stage in found["stages"]], found["left_out"]) == (
        ["lines", "count-0"], 1,
    )  # fmt: skip


@pytest.mark.django_db
def test_plan_that_is_wrong_still_shows_what_has_begun(
    signed_in: Client, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page that watches it must not be told that the server is at fault, again and again."""
    made = pipeline_of_lines(user, 3)

    def steps(self: Digest, plan: Any) -> None:
        lines = plan.step("lines", Digest)
        raise KeyError(lines.key)

    monkeypatch.setattr(Digest, "steps", steps)
    monkeypatch.setattr(stages, "get_processor", {}.__getitem__)  # a feature that is gone
    for address in (ROOT, "/api/v1/wordcount/digest"):
        answer = signed_in.get(f"{address}/steps/{made.id}/")
        assert answer.status_code == 200, answer.content
        keys = {row["key"] for row in answer.json()["results"]}
        assert keys == {"lines", "count-0", "count-1", "count-2"}
    found = signed_in.get(f"{ROOT}/stages/{made.id}/").json()
    assert [(stage["name"], stage["count"]) for stage in found["stages"]] == [
        ("Digest", 1), ("wordcount", 3),
    ]  # fmt: skip


@pytest.mark.django_db
def test_state_says_what_is_a_pipeline_and_what_a_step(signed_in: Client, user: User) -> None:
    made = pipeline_of_lines(user, 1)
    step = made.steps.get(step_key="count-0")
    for request, prefix, is_pipeline, parent in (
        (made, "/api/v1/wordcount/digest", True, None),
        (step, "/api/v1/wordcount", False, str(made.id)),
    ):
        by_kind = signed_in.get(f"{prefix}/status/{request.id}/").json()
        assert (by_kind["is_pipeline"], by_kind["parent"]) == (is_pipeline, parent)
        answer = signed_in.get(f"{ROOT}/status/{request.id}/")
        assert answer.json() == {**by_kind, "kind": request.kind}
        again = signed_in.get(
            f"{ROOT}/status/{request.id}/", headers={"If-None-Match": answer["ETag"]}
        )
        assert again.status_code == 304
        assert signed_in.get(f"{ROOT}/history/{request.id}/").json() == []
    listed = signed_in.get(f"{ROOT}/list/").json()["results"]
    assert [(row["id"], row["is_pipeline"]) for row in listed] == [(str(made.id), True)]
    assert signed_in.get(f"{ROOT}/stages/{step.id}/").json()["code"] == "not_found"
    assert signed_in.get(f"{ROOT}/steps/{step.id}/").status_code == 404


@pytest.mark.django_db
@pytest.mark.parametrize("view", ["status", "history", "stages", "steps"])
def test_another_person_sees_nothing_of_it(user: User, view: str) -> None:
    made = pipeline_of_lines(user, 1)
    eve = Client()
    assert eve.get(f"{ROOT}/{view}/{made.id}/").status_code == 401
    eve.force_login(User.objects.create_user("eve@example.org", "pw"))
    assert eve.get(f"{ROOT}/{view}/{made.id}/").status_code == 404
