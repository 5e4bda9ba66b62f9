"""Files that come in chunks through this server."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.test import Client

from backend_django.processing.models import ProcessingRequest
from backend_django.processing.tasks import maintenance_reap
from backend_django.uploads.models import Upload
from backend_django.users.models import User

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
URL = "/api/v1/wordcount"
CONTENT = os.urandom(2500)


@pytest.fixture(autouse=True)
def small_chunks(settings: Any, own_folders: None) -> None:
    settings.PROCESSING_UPLOAD_CHUNK_BYTES = 1000


@pytest.fixture
def signed_in(client: Client, user: User) -> Client:
    client.force_login(user)
    return client


def start(client: Client, **fields: Any) -> Any:
    fields = {"filename": "a.txt", "size": len(CONTENT)} | fields
    return client.post(f"{URL}/upload/", fields, "application/json")


def chunk(number: int) -> bytes:
    return CONTENT[(number - 1) * 1000 : number * 1000]


def put(client: Client, upload_id: str, number: int, content: bytes | None = None) -> Any:
    return client.put(
        f"{URL}/upload/{upload_id}/parts/{number}/",
        chunk(number) if content is None else content,
        "application/octet-stream",
    )


def create(client: Client, upload_id: str, key: str | None = None, **fields: Any) -> Any:
    headers = {"idempotency-key": key} if key else {}
    return client.post(
        f"{URL}/create/", {"upload": upload_id} | fields, "application/json", headers=headers
    )


def test_chunks_in_any_order_and_twice_make_the_file(signed_in: Client) -> None:
    started = start(signed_in)
    assert started.status_code == 201
    upload = started.json()
    old = {"part_size": 1000, "parts": 3}  # former names, for one version
    assert {k: v for k, v in upload.items() if k not in ("id", "expires_at")} == {
        "mode": "server", "filename": "a.txt", "size": 2500, "chunk_size": 1000, "chunks": 3,
        "received": [], **old,
    }  # fmt: skip
    for number in (3, 1, 3):
        assert put(signed_in, upload["id"], number).status_code == 200
    resumed = signed_in.get(f"{URL}/upload/{upload['id']}/").json()
    assert resumed["received"] == [1, 3]
    assert resumed["expires_at"] > upload["expires_at"]

    early = create(signed_in, upload["id"])
    assert (early.status_code, early.json()["code"]) == (409, "incomplete")
    assert early.json()["detail"].endswith("Missing chunks: 2.")

    put(signed_in, upload["id"], 2)
    made = create(signed_in, upload["id"], name="Mine", minimum_length=2)
    assert made.status_code == 201, made.content
    request = ProcessingRequest.objects.get()
    assert (request.name, request.input_name, request.input_size) == ("Mine", "a.txt", 2500)
    assert request.parameters == {"minimum_length": 2}
    assert Path(default_storage.path(request.input_file)).read_bytes() == CONTENT
    assert Upload.objects.get().held_by == request.id

    again = create(signed_in, upload["id"])
    assert (again.status_code, again.json()["id"]) == (200, str(request.id))
    assert put(signed_in, upload["id"], 2).status_code == 404, "it is a request by now"


def test_chunks_at_once(user: User) -> None:
    def browser() -> Client:
        made = Client()
        made.force_login(user)
        return made

    upload_id = start(browser()).json()["id"]

    def send(number: int) -> int:
        try:
            return put(browser(), upload_id, number).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(send, [1, 2, 3, 1, 2, 3])) == {200}
    assert create(browser(), upload_id).status_code == 201
    request = ProcessingRequest.objects.get()
    assert Path(default_storage.path(request.input_file)).read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("number", "content", "status", "words"),
    [
        (1, b"x" * 999, 400, "Chunk 1 has 1000 bytes, and 999 were sent."),
        (1, b"x" * 1001, 400, "Chunk 1 has 1000 bytes, and 1001 were sent."),
        (3, b"x" * 1000, 400, "Chunk 3 has 500 bytes, and 1000 were sent."),
        (4, b"x", 404, "numbered from 1 to 3"),
        (0, b"x", 404, "numbered from 1 to 3"),
    ],
)
def test_chunk_that_does_not_fit_is_refused(
    signed_in: Client, number: int, content: bytes, status: int, words: str
) -> None:
    upload_id = start(signed_in).json()["id"]
    answer = put(signed_in, upload_id, number, content)
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")
    assert words in answer.json()["detail"]
    assert signed_in.get(f"{URL}/upload/{upload_id}/").json()["received"] == []


def test_chunk_must_be_bytes(signed_in: Client) -> None:
    upload_id = start(signed_in).json()["id"]
    url = f"{URL}/upload/{upload_id}/parts/1/"
    assert signed_in.put(url, "x" * 1000, "text/plain").status_code == 415


@pytest.mark.parametrize(
    ("fields", "status", "words"),
    [
        ({"size": 0}, 400, "The file is empty."),
        ({"size": "big"}, 400, "a whole number"),
        ({"filename": ""}, 400, "may not be blank"),
        ({"size": 100_001}, 413, "larger than the 100 kB"),
    ],
)
def test_upload_that_could_not_become_a_request_is_refused_at_once(
    signed_in: Client, fields: dict, status: int, words: str
) -> None:
    answer = start(signed_in, **fields)
    assert answer.status_code == status
    assert words in answer.json()["detail"]
    assert not Upload.objects.exists()


def test_full_disk_is_said_before_the_first_chunk_and_at_each(
    signed_in: Client, settings: Any
) -> None:
    upload_id = start(signed_in).json()["id"]
    settings.PROCESSING_DISK_RESERVE_BYTES = 2**60
    for answer in (start(signed_in), put(signed_in, upload_id, 1)):
        assert (answer.status_code, answer.json()["code"]) == (507, "disk_full")


def test_bad_parameters_do_not_cost_the_upload(signed_in: Client) -> None:
    upload_id = start(signed_in).json()["id"]
    for number in (1, 2, 3):
        put(signed_in, upload_id, number)
    bad = create(signed_in, upload_id, minimum_length=0)
    assert (bad.status_code, bad.json()["errors"][0]["field"]) == (400, "minimum_length")
    assert create(signed_in, upload_id).status_code == 201


def test_key_used_before_gives_the_request_made_then(signed_in: Client) -> None:
    first, second = (start(signed_in).json()["id"] for _ in range(2))
    for upload_id in (first, second):
        for number in (1, 2, 3):
            put(signed_in, upload_id, number)
    made, again = create(signed_in, first, "k"), create(signed_in, second, "k")
    assert (made.status_code, again.status_code) == (201, 200)
    assert made.json()["id"] == again.json()["id"]


def test_create_takes_a_file_or_an_upload(signed_in: Client) -> None:
    url, json = f"{URL}/create/", "application/json"
    both = {"file": ContentFile(b"x", name="a.txt"), "upload": str(uuid4())}
    for answer, field in (
        (signed_in.post(url, {}, json), "file"),
        (signed_in.post(url, both), "upload"),
        (signed_in.post(url, {"file": "x"}, json), "file"),
        (create(signed_in, "x"), "upload"),
        (signed_in.post(url, [1], json), "non_field_errors"),
        (signed_in.generic("POST", url), "file"),
    ):
        assert answer.status_code == 400
        assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert create(signed_in, str(uuid4())).status_code == 404


def test_upload_of_somebody_else_does_not_exist(signed_in: Client) -> None:
    upload_id = start(signed_in).json()["id"]
    eve = Client()
    eve.force_login(User.objects.create_user("eve@example.org", "pw"))
    url = f"{URL}/upload/{upload_id}/"
    answers = [eve.get(url), eve.delete(url), put(eve, upload_id, 1), create(eve, upload_id)]
    answers += [signed_in.get(f"{URL}/short/upload/{upload_id}/")]  # of another kind
    assert [a.status_code for a in answers] == [404] * 5
    assert signed_in.get(url).json()["received"] == []


@pytest.mark.parametrize("end", ["delete", "expire"])
def test_nothing_is_left_of_an_upload_that_ends(signed_in: Client, settings: Any, end: str) -> None:
    settings.PROCESSING_UPLOAD_SECONDS = -1 if end == "expire" else 60
    upload_id = start(signed_in).json()["id"]
    put(signed_in, upload_id, 1)
    assert list(Path(settings.MEDIA_ROOT).rglob("upload"))
    if end == "expire":
        maintenance_reap()
    else:
        assert signed_in.delete(f"{URL}/upload/{upload_id}/").status_code == 204
    assert signed_in.get(f"{URL}/upload/{upload_id}/").status_code == 404
    assert not list(Path(settings.MEDIA_ROOT).rglob("upload"))
    assert not list(Path(settings.PROCESSING_WORK_DIR).iterdir())
