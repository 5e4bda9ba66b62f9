"""When a request runs, and how often: what its kind declares, and who submits it asks for."""

import signal
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from backend_django.processing import heart, lifecycle, services
from backend_django.processing.attempt import INTERRUPT
from backend_django.processing.models import PausedKind, ProcessingRequest
from backend_django.processing.policies import Retry, Unique
from backend_django.processing.processor import Context, ProcessingError
from backend_django.processing.runner import run_next
from backend_django.processing.tasks import maintenance_reap
from backend_django.users.models import User
from tests.wordcount.processor import HEARD, Fetch

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
URL = "/api/v1/wordcount"


@pytest.fixture
def heard() -> Iterator[list[tuple[str, str, Any]]]:
    HEARD.clear()
    yield HEARD
    HEARD.clear()


def create(client: Client, kind: str = "fetch", code: int = 201, **fields: Any) -> Any:
    answer = client.post(f"{URL}/{kind}/create/", fields, "application/json")
    assert answer.status_code == code, answer.content
    return answer.json()


def status(client: Client, made: dict[str, Any], kind: str = "fetch") -> Any:
    return client.get(f"{URL}/{kind}/status/{made['id']}/").json()


def let_time_pass(**columns: timedelta) -> None:
    """Move what waits into the past, as if so much time had gone by."""
    for name, passed in columns.items():
        for request in ProcessingRequest.objects.exclude(**{name: None}):
            moved = getattr(request, name) - passed
            ProcessingRequest.objects.filter(id=request.id).update(**{name: moved})


# --- retry


def test_failure_that_may_pass_is_tried_again_after_a_pause(
    signed_in: Client, tmp_path: Path, heard: list[Any]
) -> None:
    place = tmp_path / "place"
    made = create(signed_in, place=str(place))
    began = timezone.now()
    assert run_next(queue="processing")
    waiting = status(signed_in, made)
    assert (waiting["status"], waiting["error_code"]) == ("pending", "not_there")
    assert waiting["error_message"] == "It is not there yet."
    run_at = ProcessingRequest.objects.get().run_at
    assert run_at
    pause = run_at - began
    assert timedelta(seconds=7) < pause < timedelta(seconds=13)
    assert run_next(queue="processing") == [], "it waits"
    place.touch()
    let_time_pass(run_at=timedelta(seconds=15))
    maintenance_reap()
    assert run_next(queue="processing")
    done = status(signed_in, made)
    assert (done["status"], done["attempt"], done["error_code"]) == ("completed", 2, "")
    assert done["run_at"] is None
    history = signed_in.get(f"{URL}/fetch/history/{made['id']}/").json()
    assert [attempt["outcome"] for attempt in history] == ["failed", "completed"]
    assert heard == [("completed", "completed", {"words": 0, "attempt": 2})]


@pytest.mark.parametrize(
    ("place", "code", "attempts"),
    [
        ("/nowhere", "not_there", 3),
        ("away", "service_unavailable", 3),
        ("broken", "internal_error", 1),
    ],
)
def test_retries_come_to_an_end(
    signed_in: Client, place: str, code: str, attempts: int, heard: list[Any]
) -> None:
    made = create(signed_in, place=place)
    while run_next(queue="processing"):
        let_time_pass(run_at=timedelta(seconds=30))
    failed = status(signed_in, made)
    assert (failed["status"], failed["error_code"], failed["attempt"]) == ("failed", code, attempts)
    assert heard == [("failed", "failed", code)]
    signed_in.post(f"{URL}/fetch/retry/{made['id']}/")
    while run_next(queue="processing"):
        let_time_pass(run_at=timedelta(seconds=30))
    assert status(signed_in, made)["attempt"] == 2 * attempts, "a person's retry has all of them"


def test_one_that_waits_to_be_tried_again_can_be_cancelled(signed_in: Client) -> None:
    made = create(signed_in, place="/nowhere")
    run_next(queue="processing")
    assert signed_in.post(f"{URL}/fetch/cancel/{made['id']}/").json()["status"] == "cancelled"


def test_one_that_is_cancelled_just_before_it_fails_is_not_tried_again(
    signed_in: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = create(signed_in)

    def process(self: Fetch, context: Context) -> None:
        signed_in.post(f"{URL}/fetch/cancel/{made['id']}/")
        raise ProcessingError("not_there", "It is not there yet.")

    monkeypatch.setattr(Fetch, "process", process)
    run_next(queue="processing")
    assert status(signed_in, made)["status"] == "cancelled"


def test_pauses_grow_and_are_not_all_the_same() -> None:
    policy = Retry(times=9, on=("x",), backoff=(1, 60))
    pauses = [policy.pause(ProcessingError("x", "y"), "x", n) or 0 for n in range(9)]
    assert all(
        0.8 * min(60, 2**n) <= pause <= 1.2 * min(60, 2**n) for n, pause in enumerate(pauses)
    )
    assert policy.pause(ProcessingError("x", "y"), "x", 9) is None
    assert len({policy.pause(ProcessingError("x", "y"), "x", 0) for _ in range(20)}) > 1


# --- once, later, in time


def test_one_of_a_unique_kind_is_open_at_a_time(signed_in: Client) -> None:
    first = create(signed_in, place="a")
    assert create(signed_in, code=200, place="a", note="another")["id"] == first["id"]
    assert create(signed_in, place="b")["id"] != first["id"]
    eve = Client()
    eve.force_login(User.objects.create_user("eve@example.org", "pw"))
    assert create(eve, place="a")["id"] != first["id"]
    signed_in.post(f"{URL}/fetch/cancel/{first['id']}/")
    second = create(signed_in, place="a")
    assert second["id"] != first["id"]
    refused = signed_in.post(f"{URL}/fetch/retry/{first['id']}/")
    assert (refused.status_code, refused.json()["code"]) == (409, "not_unique")


def test_open_one_that_ends_as_another_is_refused_for_it(
    signed_in: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = create(signed_in, place="a")
    look = services.request_by_key

    def look_too_late(**by: Any) -> Any:
        lifecycle.claim(first["id"])
        lifecycle.complete(first["id"], 1, data={}, files={})
        return look(**by)

    monkeypatch.setattr(services, "request_by_key", look_too_late)
    assert create(signed_in, place="a")["id"] != first["id"]


def test_calls_in_a_row_make_one_request(signed_in: Client) -> None:
    first = create(signed_in, "refresh")
    let_time_pass(run_at=timedelta(seconds=9))
    again = create(signed_in, "refresh", code=200)
    assert again["id"] == first["id"]
    assert run_next(queue="processing") == [], "it waits for ten seconds without a call"
    let_time_pass(run_at=timedelta(seconds=11))
    assert run_next(queue="processing") == [first["id"]]
    assert create(signed_in, "refresh")["id"] != first["id"]


def test_keys_of_unique_requests() -> None:
    one = Unique()
    assert one.key({"a": 1, "b": 2}, {}) == one.key({"b": 2, "a": 1}, {})
    assert len({one.key({"a": 1}, {}), one.key({"a": 2}, {}), one.key({"a": 1}, {"f": []})}) == 3
    assert Unique(["a"]).key({"a": 1, "b": 2}, {}) == Unique(["a"]).key({"a": 1}, {"f": []})


def test_later(signed_in: Client) -> None:
    at = timezone.now() + timedelta(hours=2)
    made = create(signed_in, run_at=at.isoformat())
    assert status(signed_in, made)["run_at"]
    assert run_next(queue="processing") == []
    let_time_pass(run_at=timedelta(hours=3))
    assert run_next(queue="processing") == [made["id"]]


def test_what_waits_for_later_is_before_nobody(signed_in: Client) -> None:
    at = timezone.now() + timedelta(hours=2)
    create(signed_in, place="a", run_at=at.isoformat())
    create(signed_in, place="b")
    assert status(signed_in, create(signed_in, place="c"))["queue_position"] == 1


@pytest.mark.parametrize("at", ["2020-01-01T00:00Z", "2999-01-01T00:00Z", "soon"])
@pytest.mark.parametrize("field", ["run_at", "deadline_at"])
def test_times_that_make_no_sense_are_refused(signed_in: Client, field: str, at: str) -> None:
    assert create(signed_in, code=400, **{field: at})["errors"][0]["field"] == field


def test_deadline_of_one_that_waits(signed_in: Client) -> None:
    at = timezone.now() + timedelta(hours=1)
    made = create(signed_in, deadline_at=at.isoformat())
    maintenance_reap()
    assert status(signed_in, made)["status"] == "pending"
    let_time_pass(deadline_at=timedelta(hours=2))
    maintenance_reap()
    failed = status(signed_in, made)
    assert (failed["status"], failed["error_code"]) == ("failed", "deadline_passed")


def test_one_whose_deadline_has_passed_is_not_begun(signed_in: Client) -> None:
    at = timezone.now() + timedelta(hours=1)
    made = create(signed_in, deadline_at=at.isoformat())
    later = create(signed_in, place="/", deadline_at=(at + timedelta(hours=9)).isoformat())
    let_time_pass(deadline_at=timedelta(hours=2))
    assert run_next(queue="processing") == [later["id"]], "the reaper has not been there yet"
    with pytest.raises(CommandError):
        call_command("run_request", made["id"])
    maintenance_reap()
    assert status(signed_in, made)["error_code"] == "deadline_passed"


@pytest.mark.slow
def test_deadline_of_one_that_runs(signed_in: Client) -> None:
    at = timezone.now() + timedelta(seconds=2)
    made = create(signed_in, place="slow", deadline_at=at.isoformat())
    run_next(queue="processing")
    failed = status(signed_in, made)
    assert (failed["status"], failed["error_code"]) == ("failed", "time_limit")


# --- pause


def test_paused_kind_begins_nothing_and_others_go_on(
    signed_in: Client, admin_client: Client
) -> None:
    paused, other = create(signed_in), create(signed_in, "report")
    added = admin_client.post("/admin/processing/pausedkind/add/", {"kind": "fetch"})
    assert added.status_code == 302
    maintenance_reap()
    assert run_next(queue="processing") == [other["id"]]
    assert lifecycle.next_due(queue="processing") is None
    PausedKind.objects.all().delete()
    assert run_next(queue="processing") == [paused["id"]]


# --- finding out why


def test_attempt_keeps_what_helps_to_find_out_why(signed_in: Client, admin_client: Client) -> None:
    made = create(signed_in, place="broken")
    run_next(queue="processing")
    attempt = ProcessingRequest.objects.get().attempts.get()
    assert "RuntimeError: of its author" in attempt.traceback
    assert "looks for" in attempt.log
    assert "s3cret" not in attempt.log
    assert "pa55" not in attempt.log
    page = admin_client.get(f"/admin/processing/processingrequest/{made['id']}/change/")
    assert "of its author" in page.content.decode()
    for path in ("status", "history"):
        answer = signed_in.get(f"{URL}/fetch/{path}/{made['id']}/")
        assert "of its author" not in answer.content.decode()


def test_request_is_run_in_the_foreground(signed_in: Client) -> None:
    made, out = create(signed_in, place="broken"), StringIO()
    with pytest.raises(SystemExit):
        call_command("run_request", made["id"], stdout=out)
    assert out.getvalue().startswith("failed: Something went wrong on our side.")
    with pytest.raises(CommandError, match="--again"):
        call_command("run_request", made["id"])
    ProcessingRequest.objects.update(parameters={"place": ""})
    services.kind_pause(kind="fetch")  # as the guide says, so that no worker is faster
    call_command("run_request", made["id"], "--again", stdout=out)
    assert out.getvalue().splitlines()[-1] == "completed: Fetch"


def test_limits_hold_in_the_foreground(
    signed_in: Client, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def process(self: Fetch, context: Context) -> None:
        time.sleep(30)  # never asks

    monkeypatch.setattr(heart, "SECONDS", 0.02)
    monkeypatch.setattr(Fetch, "timeout", timedelta(seconds=0.3))
    monkeypatch.setattr(Fetch, "process", process)
    before = signal.signal(INTERRUPT, lambda *_: pytest.fail("this would have ended the command"))
    try:
        with pytest.raises(SystemExit):
            call_command("run_request", create(signed_in)["id"])
    finally:
        signal.signal(INTERRUPT, before)
    assert "failed: This took longer than" in capsys.readouterr().out


def test_debugger_opens_where_it_failed(signed_in: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def post_mortem(traceback: Any) -> None:
        while traceback.tb_next:
            traceback = traceback.tb_next
        seen.append(traceback.tb_frame.f_locals["place"])

    monkeypatch.setattr(sys.modules["pdb"], "post_mortem", post_mortem)
    monkeypatch.setattr("backend_django.processing.runner.breakpoint_at_failure", False)
    with pytest.raises(SystemExit):
        call_command("run_request", create(signed_in, place="broken")["id"], "--debug")
    assert seen == ["broken"]
