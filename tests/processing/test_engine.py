"""Rules of the engine that need a database but no second process."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from backend_django.operations import tidy
from backend_django.processing import lifecycle, reaper, runner
from backend_django.processing.models import ProcessingRequest
from backend_django.processing.processor import Context, Output
from backend_django.processing.request_files import save_output
from backend_django.processing.runner import run_next
from backend_django.processing.services import request_delete
from backend_django.processing.tasks import maintenance_reap
from backend_django.uploads.models import Upload
from backend_django.users.models import User
from backend_django.users.services import token_create

URL = "/api/v1/wordcount"


def make(owner: User, **fields: Any) -> ProcessingRequest:
    fields = {"kind": "wordcount", "input_file": "x", "input_size": 1} | fields
    return ProcessingRequest.objects.create(owner=owner, name="n", input_name="x", **fields)


def expire_lease() -> None:
    """Let the reaper find that the worker of what runs was not heard of."""
    ProcessingRequest.objects.filter(status="processing").update(
        lease_expires_at=timezone.now() - timedelta(seconds=1)
    )
    reaper.reap_expired()


def post(client: Client, key: str | None = None, text: str = "one two") -> Any:
    headers = {"idempotency-key": key} if key is not None else {}
    upload = ContentFile(text.encode(), name="a.txt")
    return client.post(f"{URL}/create/", {"file": upload}, headers=headers)


@pytest.mark.django_db(transaction=True)
def test_same_key_gives_the_same_request(signed_in: Client, settings: Any) -> None:
    first, again, other = post(signed_in, "k-1"), post(signed_in, "k-1"), post(signed_in, "k-2")
    assert (first.status_code, again.status_code, other.status_code) == (201, 200, 201)
    assert first.json()["id"] == again.json()["id"] != other.json()["id"]
    stranger = Client()
    stranger.force_login(User.objects.create_user("eve@example.org", "pw"))
    assert post(stranger, "k-1").status_code == 201
    assert ProcessingRequest.objects.count() == 3
    holders = Upload.objects.values_list("held_by", flat=True)
    assert {first.json()["id"], other.json()["id"]} < {str(holder) for holder in holders}
    assert Upload.objects.count() == 3


@pytest.mark.django_db(transaction=True)
def test_post_costs_six_statements(user: User) -> None:
    """Each is a round trip, and a slow line to the database has a budget for all of them."""
    client = Client(headers={"authorization": f"Token {token_create(user=user, name='x')[1]}"})
    assert post(client).status_code == 201
    with CaptureQueriesContext(connection) as queries:
        assert post(client).status_code == 201
    statements = [query["sql"] for query in queries if query["sql"] not in {"BEGIN", "COMMIT"}]
    assert len(statements) == 6, "\n".join(statements)


@pytest.mark.django_db(transaction=True)
def test_post_without_a_file_costs_four_statements(user: User) -> None:
    """There is no upload to count and to hold."""
    client = Client(headers={"authorization": f"Token {token_create(user=user, name='x')[1]}"})

    def create() -> Any:
        return client.post(f"{URL}/report/create/", {}, "application/json")

    assert create().status_code == 201
    with CaptureQueriesContext(connection) as queries:
        assert create().status_code == 201
    statements = [query["sql"] for query in queries if query["sql"] not in {"BEGIN", "COMMIT"}]
    assert len(statements) == 4, "\n".join(statements)


@pytest.mark.django_db(transaction=True)
def test_same_key_at_the_same_time_gives_one_request(user: User, settings: Any) -> None:
    settings.DATABASE_REQUEST_SECONDS = 30  # they may wait for a busy machine, too

    def submit(_: int) -> Any:
        browser = Client()
        browser.force_login(user)
        try:
            return post(browser, "at-once")
        finally:
            connection.close()

    before = set(Path(settings.MEDIA_ROOT).glob("uploads/*"))
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(submit, range(6)))
    assert sorted(a.status_code for a in answers) == [200] * 5 + [201]
    assert len({a.json()["id"] for a in answers}) == 1
    assert len(set(Path(settings.MEDIA_ROOT).glob("uploads/*")) - before) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("key", ["", "with space", "k" * 201, "ümlaut"])
def test_unfit_key_is_refused(signed_in: Client, key: str) -> None:
    answer = post(signed_in, key)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "Idempotency-Key")


def test_limit_of_a_user_holds_and_lets_others_pass(user: User, settings: Any) -> None:
    settings.PROCESSING_MAX_RUNNING_PER_USER = 1
    other = User.objects.create_user("eve@example.org", "pw")
    mine = [make(user) for _ in range(2)]
    theirs = make(other, turn=1)
    first = lifecycle.claim()
    assert first
    assert first.id == mine[0].id
    assert lifecycle.claim(mine[1].id) is None
    assert lifecycle.next_due(queue="processing") == theirs.id
    second = lifecycle.claim()
    assert second
    assert second.id == theirs.id
    assert lifecycle.next_due(queue="processing") is None
    assert lifecycle.fail(first.id, 1, code="x", message="x")
    assert lifecycle.next_due(queue="processing") == mine[1].id


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("setting", ["PROCESSING_MAX_RUNNING_PER_USER", "PROCESSING_MAX_RUNNING"])
def test_limits_hold_when_many_claim_at_once(user: User, settings: Any, setting: str) -> None:
    setattr(settings, setting, 2)
    requests = [make(user) for _ in range(8)]

    def claim(request: ProcessingRequest) -> bool:
        try:
            return lifecycle.claim(request.id) is not None
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(claim, requests)) == 2


def test_request_of_a_feature_that_is_gone_is_failed_after_an_hour(user: User) -> None:
    gone, young = make(user, kind="gone"), make(user, kind="gone")
    ProcessingRequest.objects.filter(id=gone.id).update(
        created_at=timezone.now() - timedelta(hours=2)
    )
    assert lifecycle.claim(gone.id) is None
    maintenance_reap()
    gone.refresh_from_db()
    young.refresh_from_db()
    assert (gone.status, gone.error_code) == ("failed", "unknown_kind")
    assert young.status == "pending"


def test_history_tells_every_attempt(signed_in: Client, user: User) -> None:
    request = make(user)
    lifecycle.claim(request.id, worker="w1@host")
    lifecycle.release(request.id, 1)
    lifecycle.claim(request.id, worker="w2@host")
    expire_lease()
    lifecycle.claim(request.id, worker="w3@host")
    lifecycle.fail(request.id, 3, code="not_text", message="No text.")
    history = signed_in.get(f"{URL}/history/{request.id}/").json()
    assert [(a["number"], a["outcome"], a["error_code"]) for a in history] == [
        (1, "released", ""),
        (2, "lost", "worker_lost"),
        (3, "failed", "not_text"),
    ]
    assert all(a["started_at"] and a["finished_at"] for a in history)
    assert "host" not in str(history)


def test_place_in_the_queue_is_told_while_pending(signed_in: Client, user: User) -> None:
    requests = [make(user) for _ in range(3)]
    for number, request in enumerate(requests):
        ProcessingRequest.objects.filter(id=request.id).update(
            created_at=timezone.now() + timedelta(seconds=number)
        )
    status = signed_in.get(f"{URL}/status/{requests[2].id}/").json()
    assert status["queue_position"] == 2
    lifecycle.claim(requests[0].id)
    assert signed_in.get(f"{URL}/status/{requests[2].id}/").json()["queue_position"] == 1
    assert signed_in.get(f"{URL}/status/{requests[0].id}/").json()["queue_position"] is None


@pytest.mark.parametrize("write", ["heartbeat", "complete", "fail", "confirm_cancel", "release"])
def test_superseded_attempt_can_write_nothing(user: User, write: str) -> None:
    request = make(user)
    lifecycle.claim(request.id)
    expire_lease()
    assert lifecycle.claim(request.id)
    before = ProcessingRequest.objects.values().get()
    arguments: Any = {
        "heartbeat": {"phase": "save", "step": "", "progress": 90},
        "complete": {"data": {}, "files": {}},
        "fail": {"code": "x", "message": "x"},
    }.get(write, {})
    assert getattr(lifecycle, write)(request.id, 1, **arguments) is False
    assert ProcessingRequest.objects.values().get() == before


@pytest.mark.parametrize("text", ["a\x00b", "lone \ud800 surrogate", "x" * 5000])
def test_any_error_text_can_be_stored(user: User, text: str) -> None:
    request = make(user)
    lifecycle.claim(request.id)
    assert lifecycle.fail(request.id, 1, code="x", message=text)
    request.refresh_from_db()
    assert 0 < len(request.error_message) <= 2000


@pytest.mark.django_db(transaction=True)
def test_retention_removes_rows_and_files(
    user: User, signed_in: Client, settings: Any, tmp_path: Path
) -> None:
    settings.PROCESSING_RETENTION_DAYS = 7
    settings.MEDIA_ROOT = str(tmp_path)
    old, young = (post(signed_in).json()["id"] for _ in range(2))
    for request_id, days in ((old, 8), (young, 6)):
        ProcessingRequest.objects.filter(id=request_id).update(
            status="failed", finished_at=timezone.now() - timedelta(days=days)
        )
    assert tidy.purge_finished() == 1
    assert [str(r.id) for r in ProcessingRequest.objects.all()] == [young]
    (kept,) = Upload.objects.all()
    assert str(kept.held_by) == young
    assert [path.parent.name for path in Path(settings.MEDIA_ROOT).glob("uploads/*/upload")] == [
        str(kept.id)
    ]


@pytest.mark.django_db(transaction=True)
def test_check_finds_and_repairs_what_crashes_leave(
    signed_in: Client, settings: Any, tmp_path: Path
) -> None:
    settings.MEDIA_ROOT = str(tmp_path / "media")
    settings.PROCESSING_WORK_DIR = str(tmp_path / "work")
    kept = post(signed_in).json()["id"]
    lost = post(signed_in).json()["id"]
    requests = tmp_path / "media" / "requests"
    stranger = requests / str(uuid4()) / "input"
    loser = requests / kept / "1"
    scratch = tmp_path / "work" / f"job-{kept}-1-abc"
    for folder in (stranger, loser, scratch):
        folder.mkdir(parents=True)
        (folder / "file").write_text("x")
    Path(default_storage.path(ProcessingRequest.objects.get(id=lost).input_file)).unlink()

    def check(*arguments: str) -> tuple[int, str]:
        out = StringIO()
        try:
            call_command("processing_check", *arguments, stdout=out)
        except SystemExit as exit_:
            return int(exit_.code or 0), out.getvalue()
        return 0, out.getvalue()

    assert "0 orphans found" in check()[1], "files that are under way are left alone"
    code, report = check("--min-age=0")
    assert code == 1
    assert f"orphan in the storage: requests/{stranger.parent.name}\n" in report
    assert f"orphan in the storage: requests/{kept}/1\n" in report
    assert f"job-{kept}-1-abc" in report
    assert f"missing: {ProcessingRequest.objects.get(id=lost).input_file}" in report
    check("--min-age=0", "--repair")
    assert not stranger.exists()
    assert not loser.exists()
    assert not scratch.exists()
    assert Path(default_storage.path(ProcessingRequest.objects.get(id=kept).input_file)).exists()
    assert "0 orphans found, 1 files missing" in check("--min-age=0")[1]


@pytest.mark.django_db(transaction=True)
def test_what_is_deleted_while_its_output_is_stored_leaves_nothing(
    signed_in: Client, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MEDIA_ROOT = str(tmp_path)
    request = ProcessingRequest.objects.get(id=post(signed_in).json()["id"])

    def save_late(*arguments: Any) -> Any:
        request_delete(request=request)
        return save_output(*arguments)

    monkeypatch.setattr(runner, "save_output", save_late)
    assert run_next(queue="processing") == [str(request.id)]
    assert not list(tmp_path.glob("requests/*")), "a folder of a request that is no more"


@pytest.mark.django_db(transaction=True)
def test_full_disk_refuses_uploads_before_they_are_sent(signed_in: Client, settings: Any) -> None:
    settings.PROCESSING_DISK_RESERVE_BYTES = 2**60
    answer = post(signed_in)
    assert (answer.status_code, answer.json()["code"]) == (507, "disk_full")
    assert not ProcessingRequest.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_job_knows_for_whom_it_works(run: Any, user: User) -> None:
    owners = []

    def job(context: Context) -> Output:
        owners.append(context.owner)
        return Output({"words": 1, "attempt": 1})

    run(job)
    assert owners == [user]
