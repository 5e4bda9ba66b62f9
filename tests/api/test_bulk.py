"""Cancel, retry and delete many requests at once."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.storage import default_storage
from django.db import connection
from django.test import Client
from django.utils import timezone

from backend_django.processing import bulk
from backend_django.processing.models import ProcessingRequest
from backend_django.processing.queries import requests_visible_to
from backend_django.uploads.models import DailyUsage
from backend_django.users.models import User
from backend_django.utils.errors import Conflict

from .many import ROOT, Status, ask, complete, make

pytestmark = pytest.mark.slow


def make_each(owner: User, **fields: Any) -> dict[str, ProcessingRequest]:
    return {status: make(owner, status, **fields) for status in Status.values}


def states(rows: dict[str, ProcessingRequest]) -> dict[str, str | None]:
    now = dict(ProcessingRequest.objects.values_list("id", "status"))
    return {before: now.get(row.id) for before, row in rows.items()}


@pytest.mark.parametrize("by", ["ids", "filter"])
def test_cancel_what_can_be_cancelled(signed_in: Client, user: User, by: str) -> None:
    rows = make_each(user)
    selection: dict[str, Any] = {"ids": [str(row.id) for row in rows.values()]}
    selection = selection if by == "ids" else {"filter": {"kind": "wordcount"}}
    answer = ask(signed_in, "cancel", **selection)
    assert (answer["done"], answer["unchanged"], answer["remaining"]) == (2, 1, 0)
    (refused,) = answer["refused"]
    assert (refused["code"], refused["count"]) == ("conflict", 2)
    assert refused["message"] == "Only a request that is pending or processing can be cancelled."
    assert set(refused["ids"]) == {str(rows[status].id) for status in ("completed", "failed")}
    assert states(rows)["pending"] == "cancelled"
    rows["processing"].refresh_from_db()
    assert rows["processing"].cancel_requested
    again = ask(signed_in, "cancel", **selection)
    assert (again["done"], again["unchanged"], again["remaining"]) == (0, 3, 0)


@pytest.mark.parametrize("by", ["ids", "filter"])
def test_retry_what_can_be_retried(signed_in: Client, user: User, by: str) -> None:
    rows = make_each(user)
    selection: dict[str, Any] = {"ids": [str(row.id) for row in rows.values()]}
    selection = selection if by == "ids" else {"filter": {"kind": "wordcount"}}
    answer = ask(signed_in, "retry", **selection)
    assert (answer["done"], answer["unchanged"], answer["remaining"]) == (2, 2, 0)
    assert answer["refused"][0]["ids"] == [str(rows["completed"].id)]
    assert (states(rows)["failed"], states(rows)["cancelled"]) == ("pending", "pending")
    again = ask(signed_in, "retry", **selection)
    assert (again["done"], again["unchanged"]) == (0, 4)


def test_delete_removes_rows_and_files(
    signed_in: Client, user: User, tmp_path: Path, django_capture_on_commit_callbacks: Any
) -> None:
    rows = make_each(user)
    done = complete(user, tmp_path, "a.txt")
    ids = [str(row.id) for row in (*rows.values(), done)]
    name = done.result.files["report"]["name"]
    with django_capture_on_commit_callbacks(execute=True):
        assert ask(signed_in, "delete", ids=ids)["done"] == 6
    assert not ProcessingRequest.objects.exists()
    assert not default_storage.exists(name)
    again = ask(signed_in, "delete", ids=ids)
    assert (again["done"], again["unchanged"], again["refused"]) == (0, 6, [])


def test_a_result_is_deleted_together_with_what_uses_it(signed_in: Client, user: User) -> None:
    result, later = make(user, "completed"), make(user)
    later.uses.add(result)
    kept = ask(signed_in, "delete", ids=[str(result.id)])
    assert (kept["done"], kept["refused"][0]["code"]) == (0, "in_use")
    assert ask(signed_in, "delete", ids=[str(result.id), str(later.id)])["done"] == 2


def test_steps_go_with_their_pipeline(signed_in: Client, user: User) -> None:
    """A filter finds none of them, and by its id a step is refused as it is alone."""
    pipeline = make(user, name="a pipeline", kind="copy")
    step = make(user, "failed", parent=pipeline, step_key="a", kind="copy")
    for what in ("retry", "delete"):
        answer = ask(signed_in, what, ids=[str(step.id)])
        assert (answer["done"], answer["refused"][0]["code"]) == (0, "is_step")
    assert ask(signed_in, "cancel", filter={"kind": "copy"})["done"] == 1
    assert ask(signed_in, "delete", ids=[str(pipeline.id)])["done"] == 1
    assert not ProcessingRequest.objects.exists()


def test_filter_has_the_names_and_values_of_the_list(signed_in: Client, user: User) -> None:
    keep, gone = make(user, "failed", name="forest"), make(user, "failed", name="dunes north")
    wanted = {"status": "failed,cancelled", "search": "dunes", "kind": "wordcount",
              "created_after": "2020-01-01T00:00:00Z"}  # fmt: skip
    listed = signed_in.get(f"{ROOT}/list/", wanted).json()["results"]
    assert [row["id"] for row in listed] == [str(gone.id)]
    assert ask(signed_in, "delete", filter=wanted)["done"] == 1
    assert list(ProcessingRequest.objects.all()) == [keep]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "non_field_errors"),
        ({"ids": []}, "ids"),
        ({"ids": ["x"]}, "ids.0"),
        ({"ids": [5]}, "ids.0"),
        ({"ids": [str(uuid4()) for _ in range(1001)]}, "ids"),
        ({"filter": {}}, "filter"),
        ({"filter": {"search": ""}}, "filter"),
        ({"filter": {"ordering": "name"}}, "filter.ordering"),
        ({"filter": {"status": ["failed"]}}, "filter.status"),
        ({"filter": {"kind": "nothing"}}, "filter.kind"),
        ({"ids": [str(uuid4())], "filter": {"kind": "wordcount"}}, "non_field_errors"),
        ({"all": True}, "all"),
    ],
    ids=range(12),
)
@pytest.mark.parametrize("what", ["cancel", "retry", "delete", "download"])
def test_selection_that_is_none_changes_nothing(
    signed_in: Client, user: User, what: str, body: dict[str, Any], field: str
) -> None:
    rows = make_each(user)
    answer = ask(signed_in, what, 400, **body)
    assert [error["field"] for error in answer["errors"]] == [field], answer
    assert states(rows) == {status: status for status in rows}


def test_what_is_of_others_is_never_touched_counted_or_downloaded(
    client: Client, user: User, grace: User, tmp_path: Path
) -> None:
    rows = make_each(user)
    done = complete(user, tmp_path, "secret.txt")
    ids = [str(row.id) for row in (*rows.values(), done)]
    client.force_login(grace)
    for what in ("cancel", "retry", "delete", "download"):
        nobodys = ask(client, what, ids=[str(uuid4()) for _ in ids])
        answer = ask(client, what, ids=ids)
        for found in (nobodys, answer):
            found["refused"] = [r | {"ids": len(r["ids"])} for r in found["refused"]]
        assert answer == nobodys, "it tells that they are there"
        assert answer["done"] == 0
        filtered = ask(client, what, filter={"kind": "wordcount"})
        assert (filtered["done"], filtered["unchanged"], filtered["refused"]) == (0, 0, [])
    assert states(rows) == {status: status for status in rows}


def test_one_that_is_refused_does_not_keep_the_others(
    signed_in: Client, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [make(user, "failed") for _ in range(3)]

    def retry(*, request: ProcessingRequest) -> None:
        if request.id == rows[1].id:
            raise Conflict("Its input is gone.", "input_gone")

    action = bulk.Action("retry", retry, bulk.RETRY.possible, bulk.RETRY.settled)
    outcome = bulk.requests_change(rows=requests_visible_to(user), action=action)
    assert (outcome.done, outcome.remaining) == (2, 0)
    assert outcome.refused == [bulk.Refusal("input_gone", "Its input is gone.", 1, [rows[1].id])]


def test_used_up_processor_time_is_said_once(signed_in: Client, user: User, settings: Any) -> None:
    settings.PROCESSING_DAILY_CPU_SECONDS = 60
    DailyUsage.objects.create(owner=user, day=timezone.now().date(), cpu_seconds=60)
    ids = [str(make(user, "failed").id) for _ in range(3)]
    answer = ask(signed_in, "retry", ids=ids)
    (refused,) = answer["refused"]
    assert (answer["done"], refused["code"], refused["count"]) == (0, "daily_work_limit", 3)


def test_retry_takes_nothing_from_the_daily_quota(signed_in: Client, user: User) -> None:
    DailyUsage.objects.create(owner=user, day=timezone.now().date(), bytes=7)
    ask(signed_in, "retry", ids=[str(make(user, "failed").id)])
    assert DailyUsage.objects.get().bytes == 7


@pytest.mark.parametrize("why", ["limit", "time"])
def test_calling_again_does_the_rest(
    signed_in: Client, user: User, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    ids = [str(make(user, "failed").id) for _ in range(5)]
    rows = requests_visible_to(user)
    if why == "limit":
        first = bulk.requests_change(rows=rows, action=bulk.CANCEL, limit=2)
        assert first.done == 0
        first = bulk.requests_change(rows=rows, action=bulk.RETRY, limit=2)
        assert (first.done, first.remaining) == (2, 3)
    else:
        clock = SimpleNamespace(monotonic=iter(range(1000)).__next__)  # that no other thread reads
        monkeypatch.setattr(bulk, "time", clock)
        first = bulk.requests_change(rows=rows, action=bulk.RETRY, seconds=2)
        assert (first.done, first.remaining) == (2, 3)
        monkeypatch.undo()
    second = ask(signed_in, "retry", ids=ids)
    assert (second["done"], second["unchanged"], second["remaining"]) == (3, 2, 0)


@pytest.mark.django_db(transaction=True)
def test_each_request_is_a_transaction_of_its_own(
    signed_in: Client, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So no row is locked for longer than one takes, and what is done stays done."""
    rows = [make(user, "failed") for _ in range(3)]
    seen: list[int] = []
    real = bulk.RETRY.perform

    def retry(*, request: ProcessingRequest) -> None:
        assert not connection.in_atomic_block
        seen.append(1)
        if len(seen) == 3:
            raise RuntimeError
        real(request=request)

    object.__setattr__(bulk.RETRY, "perform", retry)
    try:
        with pytest.raises(RuntimeError):
            ask(signed_in, "retry", ids=[str(row.id) for row in rows])
    finally:
        object.__setattr__(bulk.RETRY, "perform", real)
    assert ProcessingRequest.objects.filter(status="pending").count() == 2
