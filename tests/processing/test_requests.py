"""A request from submit to delete, through real processes."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest

from tests.stack import Api, Stack, wait_for

pytestmark = pytest.mark.slow
KIND = "wordcount"


def test_request_goes_from_pending_to_completed(api: Api) -> None:
    created = api.create(KIND, b"one two three", "poem.txt", name="A poem", day="2026-03-01")
    assert created["status"] == "pending"
    assert (created["name"], created["input_name"], created["input_size"]) == (
        "A poem",
        "poem.txt",
        13,
    )
    done = api.wait(KIND, created["id"])
    assert (done["status"], done["progress"], done["attempt"]) == ("completed", 100, 1)
    assert done["created_at"] <= done["started_at"] <= done["finished_at"]
    result = api.get(f"{KIND}/results/{created['id']}/")
    assert result.json() == {"words": 3, "attempt": 1, "day": "2026-03-01"}


def test_phases_and_progress_are_seen_while_it_runs(api: Api) -> None:
    request = api.create(KIND, b"SLEEP 4")
    seen = wait_for(
        lambda: (now := api.status(KIND, request["id"]))["progress"] > 30 and now,
        what="progress",
    )
    assert (seen["status"], seen["phase"], seen["step"]) == ("processing", "process", "count")
    assert seen["progress"] < 90
    assert api.get(f"{KIND}/results/{request['id']}/").status_code == 409
    assert api.wait(KIND, request["id"])["status"] == "completed"


@pytest.mark.parametrize(
    ("content", "code", "sentence"),
    [
        (b"a\x00b", "not_text", "This is not a text file. Upload plain text."),
        (b"RAISE now", "internal_error", "Something went wrong on our side."),
        (b"EXIT now", "internal_error", "Something went wrong on our side."),
        (b"QUIT 3", "crashed", "ended without an answer (exitcode 3)."),
        (b"ALARM now", "crashed", "ended without an answer (signal 14 (SIGALRM))."),
        (b"CHILD refuse", "not_today", "Try again tomorrow."),
        (b"CHILD memory", "out_of_memory", "more memory than a job may use"),
        (b"CHILD raise", "internal_error", "Something went wrong on our side."),
        (b"CHILD kill", "out_of_memory", "The system ended this job"),
        (b"CHILD alarm", "time_limit", "longer than is allowed"),
        (b"CHILD processor", "time_limit", "longer than is allowed"),
        (b"CHILD segv", "crashed", "ended without an answer"),
    ],
)
def test_failures_say_what_happened_and_tell_no_secrets(
    api: Api, content: bytes, code: str, sentence: str
) -> None:
    request = api.create(KIND, content)
    failed = api.wait(KIND, request["id"])
    assert (failed["status"], failed["error_code"]) == ("failed", code)
    assert sentence in failed["error_message"]
    assert failed["phase"] in {"validate", "process"}, "it does not tell where it failed"
    assert "secret" not in str(failed)
    assert api.get(f"{KIND}/results/{request['id']}/").status_code == 409


def test_files_live_as_long_as_the_request(api: Api, stack: Stack) -> None:
    uploads = len(list((stack.media / "uploads").rglob("upload")))
    request = api.create(KIND, b"one two")
    api.wait(KIND, request["id"])
    folder = stack.media / "requests" / request["id"]
    assert [p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()] == [
        "1/report"
    ]
    assert len(list((stack.media / "uploads").rglob("upload"))) == uploads + 1
    assert api.delete(f"{KIND}/delete/{request['id']}/").status_code == 204
    assert not folder.exists()
    assert len(list((stack.media / "uploads").rglob("upload"))) == uploads
    assert api.get(f"{KIND}/status/{request['id']}/").status_code == 404
    assert api.delete(f"{KIND}/delete/{request['id']}/").status_code == 404
    assert list(stack.work.glob(f"job-{request['id']}*")) == []


@pytest.mark.parametrize("content", [b"SLEEP 60", b"DEAF 60", b"CHILD sleep"])
def test_cancel_stops_a_running_request(api: Api, stack: Stack, content: bytes) -> None:
    request = api.create(KIND, content)
    api.wait(KIND, request["id"], "processing")
    assert api.post(f"{KIND}/cancel/{request['id']}/").json()["cancel_requested"] is True
    assert api.wait(KIND, request["id"], seconds=5)["status"] == "cancelled"
    wait_for(lambda: not list(stack.work.glob(f"job-{request['id']}*")), what="scratch is removed")
    assert api.post(f"{KIND}/cancel/{request['id']}/").status_code == 409


def test_retry_starts_a_cancelled_request_again(api: Api) -> None:
    request = api.create(KIND, b"SLEEP 2")
    assert api.post(f"{KIND}/retry/{request['id']}/").status_code == 409
    api.post(f"{KIND}/cancel/{request['id']}/")
    cancelled = api.wait(KIND, request["id"])
    again = api.post(f"{KIND}/retry/{request['id']}/").json()
    assert (again["status"], again["cancel_requested"]) == ("pending", False)
    done = api.wait(KIND, request["id"])
    assert done["status"] == "completed"
    assert cancelled["attempt"] < done["attempt"] <= done["max_attempts"]


def test_delete_while_processing_leaves_nothing(api: Api, stack: Stack) -> None:
    request = api.create(KIND, b"SLEEP 3")
    api.wait(KIND, request["id"], "processing")
    assert api.delete(f"{KIND}/delete/{request['id']}/").status_code == 204
    wait_for(lambda: not list(stack.work.glob(f"job-{request['id']}*")), what="work has ended")
    assert not (stack.media / "requests" / request["id"]).exists()


def test_each_of_many_requests_is_done_once(api: Api, stack: Stack) -> None:
    with ThreadPoolExecutor(4) as pool:
        ids = [r["id"] for r in pool.map(lambda i: api.create(KIND, b"x " * (i + 1)), range(20))]
    for number, request_id in enumerate(ids):
        assert api.wait(KIND, request_id)["attempt"] == 1
        assert api.get(f"{KIND}/results/{request_id}/").json()["words"] == number + 1


def test_log_of_the_worker_names_the_http_call(api: Api, stack: Stack) -> None:
    files = {"file": ("a.txt", b"one")}
    answer = api.post(f"{KIND}/create/", files=files, headers={"X-Request-ID": "trace-me-0001"})
    request_id = answer.json()["id"]
    api.wait(KIND, request_id)
    ids = f"[trace trace-me-0001] [request {request_id}]"

    def is_named() -> bool:  # the line comes after the row is committed
        lines = stack.log("worker").read_text().splitlines()
        return any(ids in line and "completed" in line for line in lines)

    wait_for(is_named, what=f"a line with {ids}")


def test_request_of_somebody_else_does_not_exist(api: Api, stack: Stack) -> None:
    request = api.create(KIND, b"mine")
    api.wait(KIND, request["id"])
    stack.manage("shell", "-c", _make_user("eve@example.org"))
    with stack.client("eve@example.org", "correct horse battery staple") as eve:
        for method, path in [
            ("GET", "status"),
            ("GET", "results"),
            ("GET", "download-report"),
            ("POST", "cancel"),
            ("POST", "retry"),
            ("DELETE", "delete"),
        ]:
            for some_id in (request["id"], str(uuid4())):
                answer = eve.request(method, f"{KIND}/{path}/{some_id}/")
                assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), path
        assert eve.get(f"{KIND}/list/").json()["count"] == 0
    assert api.status(KIND, request["id"])["status"] == "completed"


def _make_user(email: str) -> str:
    return (
        "from backend_django.users.models import User;"
        "from allauth.account.models import EmailAddress;"
        f"u = User.objects.create_user('{email}', 'correct horse battery staple');"
        "EmailAddress.objects.create(user=u, email=u.email, verified=True, primary=True)"
    )


def test_no_process_of_a_job_outlives_it(api: Api) -> None:
    request = api.create(KIND, b"LEAVE it")
    assert api.wait(KIND, request["id"])["status"] == "completed"
    pid = int(api.get(f"{KIND}/download-report/{request['id']}/").text)
    assert not Path(f"/proc/{pid}").exists()


def test_next_person_s_request_starts_before_the_rest_of_the_first_person_s(
    api: Api, stack: Stack
) -> None:
    """As seen from outside: who sends one small file while somebody else's pile is worked on."""
    second = {"email": "second@example.org", "password": "correct horse battery staple"}
    stack.manage("shell", "-c", _make_user(second["email"]))
    with stack.client(**second) as other:
        pile = [api.create(KIND, b"SLEEP 0.5")["id"] for _ in range(12)]
        api.wait(KIND, pile[1], "processing", "completed")
        made = other.create(KIND, b"one")
        done = other.wait(KIND, made["id"])
        other.delete(f"{KIND}/delete/{made['id']}/")
    rest = [api.wait(KIND, request_id) for request_id in pile]
    between = [r for r in rest if made["created_at"] < r["started_at"] < done["started_at"]]
    assert len(between) <= 2, "one for each process of the worker may have been taken just then"
    assert sum(r["started_at"] > done["started_at"] for r in rest) >= 6
