"""What is particular to a bucket, in this process, on a real server."""

import io
import os
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import httpx
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from backend_django.bucket import objects as module
from backend_django.bucket.objects import BucketError
from backend_django.bucket.storage import BucketStorage
from backend_django.files.storage import delete_prefix, local_path, remote
from backend_django.processing.archives import archive_write
from backend_django.processing.models import ProcessingRequest, ProcessingResult
from backend_django.uploads.models import Upload
from backend_django.users.models import User
from backend_django.utils.breaker import Breaker
from tests.matrix import matrix
from tests.stack import ROOT

from .server import KEY, LOCATION, NAME, Bucket

pytestmark = pytest.mark.slow

REPORT = b"0123456789" * 100


@pytest.fixture
def completed(bucket: Bucket, user: User) -> ProcessingRequest:
    request = ProcessingRequest.objects.create(
        kind="wordcount", name="n", owner=user, input_file="x", input_name="x", input_size=1,
        status="completed", attempt=1, finished_at=timezone.now(),
    )  # fmt: skip
    name = default_storage.save(f"requests/{request.id}/1/report", ContentFile(REPORT))
    file = {
        "name": name, "size": 1000, "sha256": "abc",
        "filename": "Zählung.txt", "content_type": "text/plain",
    }  # fmt: skip
    ProcessingResult.objects.create(request=request, attempt=1, data={}, files={"report": file})
    return request


def address(request: ProcessingRequest) -> str:
    return f"/api/v1/wordcount/download-report/{request.id}/"


@pytest.mark.django_db(transaction=True)
def test_signed_address_is_for_this_file_and_the_browsers_host(
    client: Client, user: User, completed: ProcessingRequest, bucket: Bucket
) -> None:
    assert client.get(address(completed)).status_code == 401
    client.force_login(User.objects.create_user("eve@example.org", "pw"))
    assert client.get(address(completed)).status_code == 404
    client.force_login(user)
    answer = client.get(address(completed))
    url = answer["Location"]
    assert answer.status_code == 302
    assert answer["Cache-Control"] == "private, no-store"
    assert url.startswith(f"http://localhost:{bucket.port}/{NAME}/{LOCATION}/requests/")
    assert "X-Amz-Expires=900" in url
    got = httpx.get(url)
    assert (got.status_code, got.content) == (200, REPORT)
    assert got.headers["content-type"] == "text/plain"
    assert got.headers["content-disposition"] == "attachment; filename*=utf-8''Z%C3%A4hlung.txt"
    assert httpx.get(url.replace("report?", "other?")).status_code == 403
    assert httpx.get(url.partition("?")[0]).status_code in {400, 403}


@pytest.mark.parametrize(
    ("header", "status", "content"),
    [("", 200, REPORT), ("bytes=3-6", 206, b"3456"), ("bytes=-2", 206, b"89"),
     ("bytes=1000-", 416, b"")],
)  # fmt: skip
def test_downloads_may_pass_through_us(
    client: Client, user: User, completed: ProcessingRequest, settings: Any,
    header: str, status: int, content: bytes,
) -> None:  # fmt: skip
    settings.PROCESSING_STREAM_DOWNLOADS = True
    client.force_login(user)
    answer = client.get(address(completed), headers={"range": header} if header else {})
    assert answer.status_code == status
    if status < 400:
        assert answer.getvalue() == content
        assert answer["Content-Length"] == str(len(content))


@pytest.mark.parametrize("streamed", [False, True])
def test_a_download_says_how_long_it_is(
    client: Client, user: User, completed: ProcessingRequest, settings: Any, streamed: bool
) -> None:
    """The signed address is for GET alone."""
    settings.PROCESSING_STREAM_DOWNLOADS = streamed
    client.force_login(user)
    answer = client.head(address(completed))
    assert (answer.status_code, answer["Content-Length"]) == (200, "1000")
    assert answer["Content-Type"] == "text/plain"


@pytest.mark.django_db(transaction=True)
def test_streamed_download_of_a_lost_file_or_bucket_says_so(
    client: Client, user: User, completed: ProcessingRequest, settings: Any, bucket: Bucket
) -> None:
    settings.PROCESSING_STREAM_DOWNLOADS = True
    client.force_login(user)
    bucket.stop()
    try:
        answer = client.get(address(completed))
        assert (answer.status_code, answer.json()["code"]) == (503, "storage_unavailable")
    finally:
        bucket.start()
    default_storage.delete(completed.result.files["report"]["name"])
    assert client.get(address(completed)).status_code == 404


@pytest.mark.django_db
def test_full_health_looks_for_the_bucket(client: Client, bucket: Bucket, settings: Any) -> None:
    client.force_login(User.objects.create_superuser("root@example.org", "pw"))
    assert client.get("/health/full").json()["checks"]["storage"]["ok"]
    options = bucket.settings["OPTIONS"] | {"bucket_name": "no-such-bucket"}
    settings.STORAGES = settings.STORAGES | {"default": bucket.settings | {"OPTIONS": options}}
    assert not client.get("/health/full").json()["checks"]["storage"]["ok"]


def test_local_copies_are_made_once_and_make_room(
    completed: ProcessingRequest, settings: Any, tmp_path: Path
) -> None:
    file = completed.result.files["report"]
    with ThreadPoolExecutor(4) as pool:
        paths = set(pool.map(lambda _: local_path(file), range(8)))
    (first,) = paths
    assert first.read_bytes() == REPORT
    assert [p.name for p in (tmp_path / "work").rglob("*") if p.is_file()] == ["report"]
    settings.PROCESSING_CACHE_BYTES = 1500
    name = default_storage.save("requests/x/1/f", ContentFile(b"x" * 900))
    second = local_path({"name": name, "filename": "f", "size": 900})
    assert not first.exists()
    assert second.stat().st_size == 900
    with pytest.raises(FileNotFoundError):
        local_path({"name": "requests/none", "filename": "f", "size": 1})
    assert local_path(file).read_bytes() == REPORT
    delete_prefix("requests/x")


def test_a_copy_that_another_process_removes_meanwhile_is_fetched_anew(
    completed: ProcessingRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = completed.result.files["report"]
    local_path(file).unlink()
    # It was there a moment ago.
    monkeypatch.setattr(Path, "exists", lambda _: True)
    assert local_path(file).read_bytes() == REPORT


def test_an_address_takes_a_part_of_its_own_size_alone(bucket: Bucket) -> None:
    storage = remote()
    assert isinstance(storage, BucketStorage)
    parts, upload = storage.chunk_store(), Upload(size=100, stored_name="uploads/x/upload")
    parts.begin(upload)
    url = parts.url(upload, 1)
    assert "X-Amz-SignedHeaders=content-length%3Bhost" in url
    assert httpx.put(url, content=b"x" * 101).status_code == 403
    assert parts.list_chunks(upload) == []
    assert httpx.put(url, content=b"x" * 100).status_code == 200
    assert parts.list_chunks(upload) == [1]
    other = Upload(size=100, stored_name="uploads/x/other")
    parts.begin(other)
    storage.client.upload_part(
        Bucket=NAME, Key=f"{LOCATION}/{other.file_name}", UploadId=other.remote_id,
        PartNumber=1, Body=b"x" * 101,
    )  # fmt: skip
    assert parts.list_chunks(other) == []
    with pytest.raises(BucketError):
        parts.finish(other)
    delete_prefix("uploads/x")
    with pytest.raises(FileNotFoundError):
        parts.list_chunks(upload)


def test_copies_that_go_while_room_is_made_are_no_fault(
    completed: ProcessingRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"  # it was there a moment ago
    monkeypatch.setattr(Path, "rglob", lambda *_: [gone])
    monkeypatch.setattr(Path, "is_file", lambda path: path == gone)
    assert local_path(completed.result.files["report"]).read_bytes() == REPORT


def test_prefix_is_removed_page_by_page_and_nothing_else(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BULK", 3)
    for name in [*(f"many/a/{n}" for n in range(8)), "many/ab/1"]:
        default_storage.save(name, ContentFile(b"x"))
    delete_prefix("many/a")
    assert [name for name in bucket.files() if name.startswith("many/")] == ["many/ab/1"]


def manage(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT, env=os.environ | environment, capture_output=True, text=True,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"AWS_S3_ENDPOINT_URL": "https://s3.example.org"}, "AWS_STORAGE_BUCKET_NAME is not"),
        matrix(
            {"AWS_STORAGE_BUCKET_NAME": "files", "AWS_ACCESS_KEY_ID": "key"},
            "AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is not",
        ),
        matrix(
            {"AWS_STORAGE_BUCKET_NAME": "files", "AWS_S3_ENDPOINT_URL": "s3:9000"},
            "AWS_S3_ENDPOINT_URL is no address: s3:9000",
        ),
    ],
)
def test_incomplete_settings_are_said_in_words(environment: dict[str, str], words: str) -> None:
    said = manage("check", "--deploy", "--tag=files", **environment).stderr
    assert words in said
    assert "HINT" in said


@pytest.mark.matrix
def test_policy_of_the_page_and_secrets_in_files(bucket_server: Bucket, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("in/a+file\n")
    code = (
        "from django.conf import settings as s;"
        "d = s.CONTENT_SECURITY_POLICY['DIRECTIVES'];"
        "print(d['connect-src'][-1], d['img-src'][-1], s.AWS_SECRET_ACCESS_KEY)"
    )
    environment = bucket_server.environment | {"AWS_SECRET_ACCESS_KEY_FILE": str(secret)}
    del environment["AWS_SECRET_ACCESS_KEY"]
    said = manage("shell", "-v0", "-c", code, **environment).stdout.split()
    origin = f"http://localhost:{bucket_server.port}"
    assert said == [origin, origin, "in/a+file"]
    amazon = {"AWS_STORAGE_BUCKET_NAME": "mine", "AWS_S3_REGION_NAME": "eu-central-1",
              "AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": "s"}  # fmt: skip
    code += ";from backend_django.files.storage import remote;"
    code += "print(remote().download_url('a', filename='a', content_type='b'))"
    origin, _, _, url = manage("shell", "-v0", "-c", code, **amazon).stdout.split()
    assert origin == "https://mine.s3.eu-central-1.amazonaws.com"
    assert url.startswith(f"{origin}/a?")


def test_rules_for_other_origins_need_a_server_that_knows_them(bucket: Bucket) -> None:
    with pytest.raises(CommandError, match="The bucket did not take the rule"):
        call_command("bucket_cors", "https://www.example.org")


def test_rules_for_other_origins_need_a_bucket() -> None:
    with pytest.raises(CommandError, match="AWS_STORAGE_BUCKET_NAME"):
        call_command("bucket_cors", "https://www.example.org")


def test_archive_of_many_results_is_read_from_the_bucket(
    client: Client, user: User, completed: ProcessingRequest, settings: Any
) -> None:
    client.force_login(user)
    answer = client.post(
        "/api/v1/requests/download/", {"ids": [str(completed.id)]}, "application/json"
    )
    with ZipFile(io.BytesIO(client.get(answer.json()["url"]).getvalue())) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == {"Zählung.txt": REPORT}
    assert not list(Path(settings.PROCESSING_WORK_DIR).rglob("*")), "it was copied to this machine"


def test_archive_does_not_wait_for_a_silent_bucket(
    completed: ProcessingRequest, bucket: Bucket, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_breaker", Breaker(pause=60))

    def seconds() -> float:
        began = time.monotonic()
        with ZipFile(io.BytesIO(b"".join(archive_write([completed.id] * 5)))) as archive:
            assert archive.namelist() == ["NOT_COMPLETE.txt"]
        return time.monotonic() - began

    with socket.create_server(("127.0.0.1", 0)) as silent:
        options = bucket.settings["OPTIONS"]
        options["endpoint_url"] = f"http://127.0.0.1:{silent.getsockname()[1]}"
        settings.STORAGES = settings.STORAGES | {"default": bucket.settings | {"OPTIONS": options}}
        assert seconds() < 10
        assert seconds() < 2
