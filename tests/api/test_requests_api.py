"""The endpoints every kind of request has: input checks, lists, downloads."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client
from django.utils import timezone

from backend_django.processing import lifecycle
from backend_django.processing.models import ProcessingRequest
from backend_django.processing.processor import OutputFile
from backend_django.processing.request_files import save_output
from backend_django.users.models import User

URL = "/api/v1/wordcount"
REPORT = b"0123456789" * 100


def make(user: User, **fields: Any) -> ProcessingRequest:
    fields = {"kind": "wordcount", "name": "n", "input_file": "x", "input_size": 1} | fields
    return ProcessingRequest.objects.create(owner=user, input_name="x", **fields)


@pytest.fixture
def completed(user: User, tmp_path: Path) -> ProcessingRequest:
    request = make(user)
    claimed = lifecycle.claim(request.id)
    assert claimed
    report = tmp_path / "report"
    report.write_bytes(REPORT)
    files = save_output(
        request.id, 1, {"report": OutputFile(report, "Zählung “1”.txt", "text/plain")}
    )
    assert lifecycle.complete(request.id, 1, data={"words": 1, "attempt": 1}, files=files)
    return request


@pytest.mark.parametrize(
    ("fields", "field", "sentence"),
    [
        ({}, "file", "No file was submitted."),
        ({"file": b""}, "file", "The submitted file is empty."),
        ({"file": b"x", "minimum_length": "0"}, "minimum_length", "greater than or equal to 1"),
        ({"file": b"x", "minimum_lenght": "3"}, "minimum_lenght", "There is no such field."),
        ({"file": b"x", "name": "n" * 201}, "name", "no more than 200"),
        ({"file": b"x", "name": "a\x00b"}, "name", "Null characters are not allowed."),
    ],
)
@pytest.mark.django_db(transaction=True)  # DRF marks the surrounding transaction as failed
def test_bad_input_is_refused_at_its_field(
    signed_in: Client, fields: dict, field: str, sentence: str
) -> None:
    if "file" in fields:
        fields = fields | {"file": ContentFile(fields["file"], name="a.txt")}
    answer = signed_in.post(f"{URL}/create/", fields)
    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert error["field"] == field
    assert sentence in error["message"]
    assert not ProcessingRequest.objects.exists()


def test_upload_that_is_too_large_is_refused(signed_in: Client) -> None:
    upload = ContentFile(b"x" * 100_001, name="a.txt")
    answer = signed_in.post(f"{URL}/create/", {"file": upload})
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert "100 kB" in answer.json()["detail"]


def test_upload_that_is_too_large_is_refused_before_it_is_read(user: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(user)
    answer = browser.generic(
        "POST",
        f"{URL}/create/",
        b"--x\r\n",  # reading more than this would raise
        "multipart/form-data; boundary=x",
        CONTENT_LENGTH=str(5 * 1024**3),
    )
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


def test_form_of_which_nothing_can_be_read_is_no_empty_form(signed_in: Client) -> None:
    def create(body: bytes) -> int:
        form = "multipart/form-data; boundary=x"
        return signed_in.generic("POST", "/api/v1/wordcount/report/create/", body, form).status_code

    assert create(b"--x\r\n[1]--x--\r\n") == 400
    assert create(b"--x--\r\n") == 201


def test_create_needs_a_form_or_json(signed_in: Client) -> None:
    answer = signed_in.post(f"{URL}/create/", "file", "text/plain")
    assert answer.status_code == 415


def test_list_is_newest_first_paged_and_filtered(signed_in: Client, user: User) -> None:
    now = timezone.now()
    for number in range(5):
        request = make(user, name=f"request {number}")
        ProcessingRequest.objects.filter(id=request.id).update(
            created_at=now + timedelta(minutes=number)
        )
    lifecycle.claim(ProcessingRequest.objects.get(name="request 2").id)
    page = signed_in.get(f"{URL}/list/?page=2&page_size=2").json()
    assert [page[k] for k in ("count", "page", "page_size", "pages")] == [5, 2, 2, 3]
    assert [row["name"] for row in page["results"]] == ["request 2", "request 1"]
    running = signed_in.get(f"{URL}/list?status=processing").json()
    assert [row["name"] for row in running["results"]] == ["request 2"]
    assert signed_in.get(f"{URL}/list/?page=99").json()["results"] == []


@pytest.mark.parametrize(
    "query", ["page=0", "page=x", "page=", "page_size=101", "page_size=-1", "status=done", "page=²"]
)
def test_bad_query_is_a_400(signed_in: Client, query: str) -> None:
    answer = signed_in.get(f"{URL}/list/?{query}")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == query.split("=")[0]


def test_unchanged_status_is_a_304(signed_in: Client, user: User) -> None:
    request = make(user)
    first = signed_in.get(f"{URL}/status/{request.id}/")
    again = {"if-none-match": first["ETag"]}
    assert signed_in.get(f"{URL}/status/{request.id}/", headers=again).status_code == 304
    lifecycle.claim(request.id)
    assert signed_in.get(f"{URL}/status/{request.id}/", headers=again).status_code == 200


def test_status_tells_the_same_as_the_list(
    signed_in: Client, completed: ProcessingRequest, user: User
) -> None:
    waiting = make(user, name="Zählung “2”")
    listed = {entry["id"]: entry for entry in signed_in.get(f"{URL}/list/").json()["results"]}
    for request, position in ((completed, None), (waiting, 0)):
        told = signed_in.get(f"{URL}/status/{request.id}/").json()
        assert told == listed[str(request.id)] | {"queue_position": position}


@pytest.mark.django_db(transaction=True)
def test_results_before_the_end_are_a_409(signed_in: Client, user: User) -> None:
    request = make(user)
    for path in ("results", "download-report"):
        answer = signed_in.get(f"{URL}/{path}/{request.id}/")
        assert (answer.status_code, answer.json()["code"]) == (409, "pending")


def body(answer: Any) -> bytes:
    return answer.getvalue()


@pytest.mark.parametrize(
    ("header", "first", "last"),
    [
        ("bytes=0-9", 0, 9),
        ("bytes=990-", 990, 999),
        ("bytes=-5", 995, 999),
        ("bytes=10-99999", 10, 999),
        ("bytes=-99999", 0, 999),
        ("bytes=0-" + "9" * 5000, 0, 999),
        ("bytes=-" + "9" * 5000, 0, 999),
        ("bytes=" + "0" * 5000 + "5-6", 5, 6),
    ],
)
def test_download_gives_the_part_asked_for(
    signed_in: Client, completed: ProcessingRequest, header: str, first: int, last: int
) -> None:
    answer = signed_in.get(
        f"{URL}/download-report/{completed.id}/", headers={"range": header, "accept": "image/tiff"}
    )
    assert answer.status_code == 206
    assert answer["Content-Range"] == f"bytes {first}-{last}/1000"
    assert int(answer["Content-Length"]) == last - first + 1
    assert body(answer) == REPORT[first : last + 1]


def test_download_whole_with_a_proper_name(signed_in: Client, completed: ProcessingRequest) -> None:
    answer = signed_in.get(f"{URL}/download-report/{completed.id}/")
    assert (answer.status_code, body(answer)) == (200, REPORT)
    assert answer["Accept-Ranges"] == "bytes"
    assert answer["Content-Type"] == "text/plain"
    assert answer["Content-Disposition"] == (
        "attachment; filename*=utf-8''Z%C3%A4hlung%20%E2%80%9C1%E2%80%9D.txt"
    )
    etag = answer["ETag"]
    url = f"{URL}/download-report/{completed.id}"
    unchanged = signed_in.get(url, headers={"if-none-match": etag})
    assert unchanged.status_code == 304
    assert unchanged["Cache-Control"] == answer["Cache-Control"]  # a browser takes over both
    stale = signed_in.get(url, headers={"range": "bytes=0-1", "if-range": '"other"'})
    assert (stale.status_code, body(stale)) == (200, REPORT)


@pytest.mark.parametrize("headers", [{}, {"range": "bytes=0-5"}])
def test_a_file_that_is_gone_is_a_404(
    signed_in: Client, completed: ProcessingRequest, headers: dict[str, str]
) -> None:
    default_storage.delete(completed.result.files["report"]["name"])
    answer = signed_in.get(f"{URL}/download-report/{completed.id}/", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (404, "file_gone")


@pytest.mark.parametrize(
    "header",
    ["bytes=1000-", "bytes=5-4", "bytes=-0", f"bytes={'9' * 5000}-", f"bytes={'9' * 5000}-5"],
)
def test_impossible_range_is_a_416(
    signed_in: Client, completed: ProcessingRequest, header: str
) -> None:
    answer = signed_in.get(f"{URL}/download-report/{completed.id}/", headers={"range": header})
    assert answer.status_code == 416
    assert answer["Content-Range"] == "bytes */1000"


@pytest.mark.parametrize("header", ["bytes=\u0663-", "bytes=-", "bytes=1-2,4-5", "lines=1-2"])
def test_range_that_is_none_gives_the_whole_file(
    signed_in: Client, completed: ProcessingRequest, header: str
) -> None:
    answer = signed_in.get(f"{URL}/download-report/{completed.id}/", headers={"range": header})
    assert (answer.status_code, body(answer)) == (200, REPORT)


@pytest.mark.parametrize("action", ["status", "results", "download-report"])
def test_reads_need_a_sign_in(client: Client, db: None, action: str) -> None:
    assert client.get(f"{URL}/{action}/{uuid4()}/").status_code == 401
