"""What operators see, and what they may do in the admin."""

import json
import logging
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.cache import caches
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from backend_django.operations.monitoring import RequestCollector
from backend_django.processing import lifecycle
from backend_django.processing.models import ProcessingRequest
from backend_django.processing.services import kind_pause
from backend_django.processing.tasks import maintenance_reap
from backend_django.users.models import User
from backend_django.utils.logs import ContextFilter, JsonFormatter, PlainFormatter, request_id
from backend_django.utils.trace_id import trace_id

ADMIN = "/admin/processing/processingrequest/"


@pytest.fixture
def staff(client: Client, db: None) -> Client:
    client.force_login(User.objects.create_superuser("root@example.org", "pw"))
    caches["redis"].clear()  # which keeps a count of all requests
    return client


def make(**fields: Any) -> ProcessingRequest:
    owner = User.objects.get_or_create(email="ada@example.org")[0]
    fields = {"kind": "wordcount", "input_file": "x", "input_size": 1} | fields
    return ProcessingRequest.objects.create(owner=owner, input_name="x", **({"name": "n"} | fields))


@pytest.mark.parametrize("path", ["/metrics", "/health/full", "/health/full/"])
def test_strangers_and_users_see_nothing(client: Client, user: User, path: str) -> None:
    assert client.get(path).status_code == 401
    client.force_login(user)
    answer = client.get(path)
    assert (answer.status_code, answer["Content-Type"]) == (401, "application/problem+json")


def test_token_opens_the_metrics_to_a_program(client: Client, db: None, settings: Any) -> None:
    for token in ("s3cret-token", "s\u00e9cret"):
        settings.METRICS_TOKEN = token
        sent = token.encode().decode("latin-1")  # as a server hands a header's bytes on
        for given, code in [
            (f"Bearer {sent}", 200), (f"bearer {sent}", 200), ("Bearer wrong", 401), ("", 401),
            (sent, 401), (f"Basic {sent}", 401), ("Bearer \u00e9", 401), ("Bearer ", 401),
        ]:  # fmt: skip
            answer = client.get("/metrics", headers={"authorization": given})
            assert answer.status_code == code, given
    settings.METRICS_TOKEN = ""
    assert client.get("/metrics", headers={"authorization": "Bearer "}).status_code == 401


def metrics(client: Client) -> dict[tuple[str, ...], float]:
    text = client.get("/metrics").text
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_metrics_tell_what_waits_what_runs_and_how_it_ended(staff: Client) -> None:
    ProcessingRequest.objects.filter(id=make().id).update(
        created_at=timezone.now() - timedelta(seconds=90)
    )
    ProcessingRequest.objects.filter(id=make().id).update(  # scheduled, and due for 40 seconds
        queue="short",
        created_at=timezone.now() - timedelta(seconds=90),
        run_at=timezone.now() - timedelta(seconds=40),
    )
    running, done = make(), make()
    lifecycle.claim(running.id)
    lifecycle.claim(done.id)
    lifecycle.complete(done.id, 1, data={}, files={})
    maintenance_reap()
    seen = metrics(staff)
    assert seen["processing_requests", "wordcount", "pending"] == 2
    assert seen["processing_requests", "wordcount", "processing"] == 1
    assert seen["processing_requests", "wordcount", "completed"] == 1
    assert 90 <= seen["processing_oldest_pending_seconds", "processing"] < 120
    assert 40 <= seen["processing_oldest_pending_seconds", "short"] < 70
    assert seen["processing_oldest_pending_seconds", "maintenance"] == 0
    assert seen["processing_waiting", "processing"] == 1
    assert seen["processing_waiting", "default"] == 0
    assert seen["processing_running", "processing"] == 1
    assert seen["processing_running", "short"] == 0
    assert seen["processing_recent_attempts", "completed"] == 1
    assert seen["processing_recent_completed", "wordcount"] == 1
    assert 0 <= seen["processing_reaper_age_seconds",] < 5
    assert seen["processing_disk_free_bytes",] > 0


def test_paused_kinds_wait_for_nobody(staff: Client) -> None:
    """They are to wait: no alarm, and no worker more."""
    maintenance_reap()
    ProcessingRequest.objects.filter(id=make().id).update(
        created_at=timezone.now() - timedelta(days=1)
    )
    assert staff.get("/health/full").status_code == 503
    kind_pause(kind="wordcount")
    assert staff.get("/health/full").status_code == 200
    seen = metrics(staff)
    assert seen["processing_waiting", "processing"] == 0
    assert seen["processing_oldest_pending_seconds", "processing"] == 0
    assert seen["processing_requests", "wordcount", "pending"] == 1


def test_metrics_without_a_database_leave_out_its_rows_alone(
    staff: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise OperationalError("the connection is lost")

    monkeypatch.setattr("backend_django.operations.monitoring.waiting", away)
    names = {name for name, *_ in metrics(staff)}
    assert "processing_disk_free_bytes" in names
    assert not names & {"processing_requests", "processing_recent_attempts"}


def test_count_of_all_requests_that_takes_too_long_costs_no_other_metric(
    staff: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    make()
    maintenance_reap()

    def too_slow(*_: Any) -> None:
        raise OperationalError("canceling statement due to statement timeout")

    with monkeypatch.context() as slow:
        slow.setattr(RequestCollector, "_count_requests", too_slow)
        seen = metrics(staff)
    assert seen["processing_waiting", "processing"] == 1
    assert seen["processing_reaper_age_seconds",] < 60
    assert metrics(staff)["processing_requests", "wordcount", "pending"] == 1
    with CaptureQueriesContext(connection) as statements:
        make()
        assert metrics(staff)["processing_requests", "wordcount", "pending"] == 1
    assert not [each for each in statements if '"kind", "processing_proc' in each["sql"]]


def test_full_health_names_what_is_not_well(staff: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    unwell = staff.get("/health/full")
    assert unwell.status_code == 503
    assert unwell.json()["checks"]["reaper"] == {"ok": False, "age_seconds": None}
    maintenance_reap()
    assert staff.get("/health/full").json()["status"] == "ok"

    def away() -> None:
        raise ConnectionError("redis at 10.0.0.7")

    monkeypatch.setattr("backend_django.operations.monitoring._broker_answers", away)
    broken = staff.get("/health/full")
    assert broken.status_code == 503
    assert broken.json()["checks"]["broker"] == {"ok": False, "reason": "ConnectionError"}


@pytest.mark.parametrize("folder", ["/proc/media", "{}/file"])
def test_full_health_looks_at_the_folder_of_the_files(
    staff: Client, settings: Any, tmp_path: Path, folder: str
) -> None:
    (tmp_path / "file").touch()
    settings.MEDIA_ROOT = str(tmp_path / "media")
    assert staff.get("/health/full").json()["checks"]["storage"]["ok"]
    settings.MEDIA_ROOT = folder.format(tmp_path)
    unwell = staff.get("/health/full")
    assert (unwell.status_code, unwell.json()["checks"]["storage"]["ok"]) == (503, False)


def test_admin_shows_requests_with_filters_and_history(staff: Client) -> None:
    request = make(name="Rhône")
    lifecycle.claim(request.id, worker="w1@host")
    assert "Rhône" in staff.get(f"{ADMIN}?status__exact=processing").text
    assert "Rhône" not in staff.get(f"{ADMIN}?status__exact=failed").text
    assert "w1@host" in staff.get(f"{ADMIN}{request.id}/change/").text


@pytest.mark.django_db(transaction=True)
def test_admin_cancels_and_retries_but_never_edits(staff: Client) -> None:
    request, running = make(), make()
    lifecycle.claim(running.id)

    def act(action: str) -> str:
        form = {"action": action, "_selected_action": [request.id, running.id]}
        return staff.post(ADMIN, form, follow=True).text

    assert "2 requests cancelled." in act("cancel")
    request.refresh_from_db()
    running.refresh_from_db()
    assert (request.status, running.status) == ("cancelled", "processing")
    assert running.cancel_requested
    answer = act("retry")
    assert "1 requests started again." in answer
    assert "Only a request that failed or was cancelled can be retried." in answer

    staff.post(f"{ADMIN}{request.id}/change/", {"status": "completed"})
    request.refresh_from_db()
    assert request.status == "pending"
    assert staff.get(f"{ADMIN}add/").status_code == 403
    assert staff.post(f"{ADMIN}{request.id}/delete/", {"post": "yes"}).status_code == 403


def test_staff_without_the_permission_only_looks(client: Client, db: None) -> None:
    looker = User.objects.create_user("look@example.org", "pw", is_staff=True)
    looker.user_permissions.add(Permission.objects.get(codename="view_processingrequest"))
    client.force_login(looker)
    request = make()
    page = client.get(ADMIN).text
    assert "Cancel the selected" not in page
    client.post(ADMIN, {"action": "cancel", "_selected_action": [request.id]})
    request.refresh_from_db()
    assert request.status == "pending"


def test_log_lines_carry_the_ids_of_call_and_request() -> None:
    tokens = trace_id.set("t-1"), request_id.set("r-1")
    record = logging.LogRecord("x", logging.INFO, "f", 1, "said %s", ("so",), None)
    ContextFilter().filter(record)
    trace_id.reset(tokens[0])
    request_id.reset(tokens[1])
    line = json.loads(JsonFormatter().format(record))
    assert line["message"] == "said so"
    assert (line["trace_id"], line["request_id"], line["level"]) == ("t-1", "r-1", "INFO")
    assert PlainFormatter().format(record).endswith("said so [trace t-1] [request r-1]")
