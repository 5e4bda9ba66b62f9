"""Requests that work on no file, on several, and on what earlier requests made."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection, transaction
from django.test import Client
from django.test.client import MULTIPART_CONTENT

from backend_django.operations.tidy import check_files, purge_finished
from backend_django.processing.inputs import ResultSource
from backend_django.processing.models import ProcessingRequest
from backend_django.processing.runner import run_next
from backend_django.processing.services import request_create, request_retry
from backend_django.uploads.models import Upload
from backend_django.users.models import User
from tests.stack import wait_for
from tests.wordcount.processor import Merge

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
URL = "/api/v1/wordcount"


def text(content: str, name: str = "a.txt") -> ContentFile:
    return ContentFile(content.encode(), name=name)


def create(client: Client, kind: str, **fields: object) -> dict:
    answer = client.post(f"{URL}/{kind}/create/", fields)
    assert answer.status_code == 201, answer.content
    return answer.json()


def work() -> None:
    while run_next(queue="processing"):
        pass


def copied(client: Client, content: str) -> str:
    """Return the id of a completed request that gave a text back as a file."""
    made = create(client, "copy", file=text(content))["id"]
    work()
    return made


def result(client: Client, kind: str, id: str) -> dict:
    work()
    answer = client.get(f"{URL}/{kind}/results/{id}/")
    assert answer.status_code == 200, answer.content
    return answer.json()


@pytest.mark.parametrize("content_type", ["application/json", MULTIPART_CONTENT])
def test_request_without_a_file(signed_in: Client, user: User, content_type: str) -> None:
    answer = signed_in.post(f"{URL}/report/create/", {}, content_type)
    assert answer.status_code == 201, answer.content
    made = answer.json()
    assert (made["name"], made["input_name"], made["input_size"]) == ("Report", "", 0)
    assert result(signed_in, "report", made["id"])["attempt"] == 1
    assert not Upload.objects.exists()
    assert signed_in.get("/api/v1/usage/").json()["uploaded_bytes"] == 0
    assert (
        signed_in.post(
            f"{URL}/report/upload/", {"filename": "a", "size": 1}, "application/json"
        ).status_code
        == 404
    )


@pytest.mark.parametrize("at_once", [False, True], ids=["one", "in a batch"])
def test_upload_may_be_named_by_several_inputs(signed_in: Client, at_once: bool) -> None:
    sent = {"filename": "a.txt", "size": 4}
    started = signed_in.post(f"{URL}/merge/upload/", sent, "application/json").json()
    chunk = signed_in.put(
        f"{URL}/merge/upload/{started['id']}/parts/1/", b"one ", "application/octet-stream"
    )
    assert chunk.status_code == 200, chunk.content
    name = f"upload:{started['id']}"
    wish = {"texts": [name, name], "heading": name}
    if at_once:
        answer = signed_in.post(f"{URL}/merge/batch/", {"requests": [wish]}, "application/json")
        assert answer.status_code == 201, answer.content
        made = answer.json()["requests"][0]["id"]
    else:
        made = create(signed_in, "merge", **wish)["id"]
        assert create_again(signed_in, wish) == (200, made), "the call may be sent again"
    assert result(signed_in, "merge", made)["text"].split() == ["one"] * 3
    assert signed_in.delete(f"{URL}/merge/delete/{made}/").status_code == 204
    assert not Upload.objects.exists()
    left = check_files(min_age_seconds=0).orphan_prefixes
    assert not [prefix for prefix in left if made in prefix]


def create_again(client: Client, fields: dict[str, Any]) -> tuple[int, str]:
    answer = client.post(f"{URL}/merge/create/", fields)
    return answer.status_code, answer.json().get("id")


def test_request_without_a_file_refuses_one(signed_in: Client) -> None:
    answer = signed_in.post(f"{URL}/report/create/", {"file": text("one")})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "file")


def test_several_uploads_and_an_optional_one(signed_in: Client) -> None:
    made = create(
        signed_in, "merge", texts=[text("one "), text("two", "b.txt")], heading=text("# ", "h")
    )
    assert (made["name"], made["input_name"], made["input_size"]) == ("a.txt", "a.txt", 9)
    assert result(signed_in, "merge", made["id"]) == {
        "text": "# one two", "names": ["h", "a.txt", "b.txt"],
    }  # fmt: skip
    files = [Path(default_storage.path(u.file_name)) for u in Upload.objects.all()]
    assert len(files) == 3
    assert signed_in.delete(f"{URL}/merge/delete/{made['id']}/").status_code == 204
    assert not Upload.objects.exists()
    assert not any(path.exists() for path in files)


def test_files_of_earlier_results_beside_an_upload_in_chunks(signed_in: Client) -> None:
    first, second = copied(signed_in, "one "), copied(signed_in, "two ")
    started = signed_in.post(
        f"{URL}/merge/upload/", {"filename": "c.txt", "size": 5}, "application/json"
    ).json()
    chunk = f"{URL}/merge/upload/{started['id']}/parts/1/"
    assert signed_in.put(chunk, b"three", "application/octet-stream").status_code == 200
    sources = [f"request:{first}", f"request:{second}", f"upload:{started['id']}"]
    body = {"texts": sources}
    answer = signed_in.post(f"{URL}/merge/create/", body, "application/json")
    assert answer.status_code == 201, answer.content
    again = signed_in.post(f"{URL}/merge/create/", {"texts": sources[2:]}, "application/json")
    assert (again.status_code, again.json()["id"]) == (200, answer.json()["id"])
    found = result(signed_in, "merge", answer.json()["id"])
    assert found["text"] == "one two three"
    assert found["names"] == ["copy of a.txt", "copy of a.txt", "c.txt"]
    merged = answer.json()["id"]
    both = create(signed_in, "merge", texts=[f"request:{merged}", f"request:{first}"])
    assert result(signed_in, "merge", both["id"])["text"] == "one two threeone "
    report = create(signed_in, "report")["id"]
    work()
    other = signed_in.post(f"{URL}/merge/create/", {"texts": [f"request:{report}"]})
    assert other.status_code == 404, "no kind of those that it takes"


def test_upload_in_chunks_of_a_name_that_is_not_accepted_is_refused(signed_in: Client) -> None:
    started = signed_in.post(
        f"{URL}/merge/upload/", {"filename": "c.png", "size": 5}, "application/json"
    ).json()
    chunk = f"{URL}/merge/upload/{started['id']}/parts/1/"
    assert signed_in.put(chunk, b"three", "application/octet-stream").status_code == 200
    body = {"texts": [f"upload:{started['id']}"]}
    answer = signed_in.post(f"{URL}/merge/create/", body, "application/json")
    assert answer.status_code == 400, answer.content
    error = answer.json()["errors"][0]
    assert (error["field"], ".txt" in error["message"]) == ("texts", True)
    answer = signed_in.post(f"{URL}/merge/batch/", {"requests": [body]}, "application/json")
    assert answer.json()["errors"][0]["field"] == "requests.0.texts"


@pytest.mark.parametrize(
    ("fields", "status", "field"),
    [
        ({}, 400, "texts"),
        ({"texts": []}, 400, "texts"),
        ({"texts": ["somewhere"]}, 400, "texts.0"),
        ({"texts": ["request:00000000-0000-0000-0000-00000000000-"]}, 400, "texts.0"),
        ({"texts": [f"upload:{uuid4()}"] * 6}, 400, "texts"),
        ({"texts": [f"upload:{uuid4()}"], "heading": f"request:{uuid4()}"}, 400, "heading"),
        ({"texts": [f"upload:{uuid4()}"]}, 404, None),
        ({"texts": [f"request:{uuid4()}"]}, 404, None),
    ],
)
def test_source_that_is_none_is_refused(
    signed_in: Client, fields: dict, status: int, field: str | None
) -> None:
    answer = signed_in.post(f"{URL}/merge/create/", fields, "application/json")
    assert answer.status_code == status, answer.content
    assert [error["field"] for error in answer.json().get("errors", [])] == [field] * bool(field)
    assert not ProcessingRequest.objects.exists()


def test_kind_of_file_is_refused_by_its_name(signed_in: Client) -> None:
    answer = signed_in.post(f"{URL}/merge/create/", {"texts": [text("x", "a.png")]})
    assert answer.status_code == 400
    assert ".txt, text/*" in answer.json()["errors"][0]["message"]


def test_file_that_came_with_a_refused_call_is_not_kept(signed_in: Client) -> None:
    answer = signed_in.post(f"{URL}/merge/create/", {"texts": [text("one"), f"request:{uuid4()}"]})
    assert answer.status_code == 404
    assert not Upload.objects.exists()
    assert signed_in.get("/api/v1/usage/").json()["uploaded_bytes"] == 0


def test_result_of_somebody_else_does_not_exist(signed_in: Client) -> None:
    theirs = copied(signed_in, "secret")
    eve = Client()
    eve.force_login(User.objects.create_user("eve@example.org", "pw"))
    answer = eve.post(f"{URL}/merge/create/", {"texts": [f"request:{theirs}"]})
    assert answer.status_code == 404


def test_result_that_is_not_there_yet_says_so(signed_in: Client) -> None:
    waiting = create(signed_in, "copy", file=text("one"))["id"]
    answer = signed_in.post(f"{URL}/merge/create/", {"texts": [f"request:{waiting}"]})
    assert (answer.status_code, answer.json()["code"]) == (409, "pending")


def test_result_in_use_is_not_deleted(signed_in: Client, settings: Any) -> None:
    used = copied(signed_in, "one")
    user_of_it = create(signed_in, "merge", texts=[f"request:{used}"], name="Sum")["id"]
    refused = signed_in.delete(f"{URL}/copy/delete/{used}/")
    assert (refused.status_code, refused.json()["code"]) == (409, "in_use")
    assert "Sum" in refused.json()["detail"]
    settings.PROCESSING_RETENTION_DAYS = 1
    ProcessingRequest.objects.filter(id=used).update(finished_at="2020-01-01T00:00Z")
    assert purge_finished() == 0, "retention does not take what somebody works on"
    work()
    assert signed_in.delete(f"{URL}/copy/delete/{used}/").status_code == 204
    # Its result stays; what cannot be done again says so.
    assert result(signed_in, "merge", user_of_it)["text"] == "one"
    ProcessingRequest.objects.filter(id=user_of_it).update(status="failed")
    signed_in.post(f"{URL}/merge/retry/{user_of_it}/")
    work()
    again = signed_in.get(f"{URL}/merge/status/{user_of_it}/").json()
    assert (again["status"], again["error_code"]) == ("failed", "input_missing")


@pytest.mark.parametrize("status", ["failed", "completed"])
def test_retention_does_not_take_what_somebody_is_taking_up_again(
    signed_in: Client, settings: Any, status: str
) -> None:
    old = ProcessingRequest.objects.get(id=copied(signed_in, "one"))
    ProcessingRequest.objects.update(status=status, finished_at="2020-01-01T00:00Z")
    settings.PROCESSING_RETENTION_DAYS = 1

    def purge() -> int:
        try:
            return purge_finished()
        finally:
            connection.close()

    def purge_waits() -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_locks WHERE NOT granted")
            return bool(cursor.fetchall())

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            if status == "failed":
                request_retry(request=old)
            else:
                request_create(
                    owner=old.owner, processor=Merge, inputs={"texts": [ResultSource(old.id)]}
                )
            purged = pool.submit(purge)
            wait_for(purge_waits, what="it meets the lock")
        assert purged.result() == 0
    assert ProcessingRequest.objects.filter(id=old.id).exists()


def test_account_that_goes_takes_all_of_it(signed_in: Client, user: User) -> None:
    create(signed_in, "merge", texts=[f"request:{copied(signed_in, 'one')}", text("two")])
    work()
    user.delete()
    assert not ProcessingRequest.objects.exists()
    assert not Upload.objects.exists()


def test_request_of_the_release_before_is_worked_on(user: User) -> None:
    name = default_storage.save(f"requests/{uuid4()}/input/upload", text("one two"))
    old = ProcessingRequest.objects.create(
        kind="wordcount", name="n", owner=user, input_file=name, input_name="a.txt", input_size=7,
        parameters={"minimum_length": 1},
    )  # fmt: skip
    work()
    old.refresh_from_db()
    assert old.result.data["words"] == 2


@pytest.fixture
def elsewhere(settings: Any) -> Iterator[str]:
    """A server of somebody else, which this installation may call."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = self.path.startswith("/files/")
            self.send_response(200 if found else 404)
            self.end_headers()
            if found:
                self.wfile.write(b"x" * 5000 if "large" in self.path else b"# ")

        def log_message(self, *_: Any) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        settings.HTTP_CLIENT_INTERNAL_HOSTS = [f"127.0.0.1:{server.server_port}"]
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_file_that_is_elsewhere(signed_in: Client, elsewhere: str) -> None:
    heading = f"{elsewhere}/files/a%20title.txt?key=1"
    made = create(signed_in, "merge", texts=[text("one")], heading=heading)
    found = result(signed_in, "merge", made["id"])
    assert found == {"text": "# one", "names": ["a title.txt", "a.txt"]}
    assert check_files(min_age_seconds=0).missing_files == []


@pytest.mark.parametrize(
    ("path", "code"), [("/nothing", "input_not_found"), ("/files/large", "input_too_large")]
)
def test_file_elsewhere_that_cannot_be_had(
    signed_in: Client, elsewhere: str, path: str, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Merge, "max_upload_bytes", 1000)
    made = create(signed_in, "merge", texts=[text("one")], heading=elsewhere + path)
    work()
    failed = signed_in.get(f"{URL}/merge/status/{made['id']}/").json()
    assert (failed["status"], failed["error_code"]) == ("failed", code)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/", "http://[::1]/", "http://169.254.169.254/latest/meta-data/"]
)
def test_our_own_network_is_not_elsewhere(signed_in: Client, url: str, settings: Any) -> None:
    settings.HTTP_CLIENT_INTERNAL_HOSTS = []
    made = create(signed_in, "merge", texts=[text("one")], heading=url)
    work()
    failed = signed_in.get(f"{URL}/merge/status/{made['id']}/").json()
    assert (failed["status"], failed["error_code"]) == ("failed", "address_refused")


@pytest.mark.parametrize("value", ["ftp://example.org/a", "https://", "file:///etc/passwd"])
def test_address_that_is_none_is_refused(signed_in: Client, value: str) -> None:
    answer = signed_in.post(f"{URL}/merge/create/", {"texts": [text("one")], "heading": value})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "heading")
