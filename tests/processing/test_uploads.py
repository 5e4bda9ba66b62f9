"""Uploads before they are a request: kept while they may become one, removed when not."""

import fcntl
import os
import subprocess
import sys
import time
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, default_storage
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from backend_django.files.temporary import temporary_upload
from backend_django.operations import tidy
from backend_django.operations.tidy import check_files
from backend_django.processing.models import ProcessingRequest
from backend_django.processing.scratch import find_abandoned_scratch
from backend_django.processing.tasks import maintenance_reap
from backend_django.uploads import services
from backend_django.uploads.models import DailyUsage, Upload
from backend_django.users.models import User
from backend_django.utils.errors import NotFound
from scripts.processes import dies_with_parent
from tests.stack import wait_for

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_folders")]


@pytest.fixture
def upload(user: User) -> Upload:
    made = Upload.objects.create(
        owner=user,
        kind="wordcount",
        name="a.txt",
        size=3,
        expires_at=timezone.now() + timedelta(minutes=1),
    )
    default_storage.save(f"requests/{made.id}/input/upload", ContentFile(b"one"))
    return made


def files() -> list[str]:
    found = Path(default_storage.path("")).rglob("*")
    return [path.name for path in found if path.is_file()]


def test_upload_is_no_orphan_until_it_expires_and_gone_after(upload: Upload) -> None:
    maintenance_reap()
    assert check_files(min_age_seconds=0).orphan_prefixes == []
    assert files() == ["upload"]
    Upload.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    maintenance_reap()
    assert not Upload.objects.exists()
    assert files() == []


def test_files_go_with_the_account(upload: Upload, user: User) -> None:
    user.delete()
    assert files() == []


def test_upload_that_expired_while_it_was_stored_leaves_nothing(
    client: Client, user: User, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.PROCESSING_STORE_SECONDS = -1
    client.force_login(user)
    original = FileSystemStorage.save

    def slow(self: FileSystemStorage, name: str, content: ContentFile) -> str:
        maintenance_reap()
        return original(self, name, content)

    monkeypatch.setattr(FileSystemStorage, "save", slow)
    answer = client.post("/api/v1/wordcount/create/", {"file": ContentFile(b"one", name="a.txt")})
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert not ProcessingRequest.objects.exists()
    assert files() == []


@pytest.mark.slow
def test_only_temporary_files_of_dead_processes_are_removed(settings: Any) -> None:
    code = (
        "import django; django.setup();"
        "from backend_django.files.temporary import temporary_upload as t;"
        "f = t(); print(f.name, flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        env=os.environ | {"PROCESSING_WORK_DIR": settings.PROCESSING_WORK_DIR},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=dies_with_parent(),
    ) as process:  # fmt: skip
        assert process.stdout
        dead = Path(process.stdout.readline().strip())
        process.kill()
    with temporary_upload() as living:
        an_hour_ago = time.time() - 3600
        for path in (dead, Path(living.name)):
            os.utime(path, (an_hour_ago, an_hour_ago))
        assert check_files().orphan_scratch == [dead]
        maintenance_reap()
        assert [path.name for path in dead.parent.iterdir()] == [Path(living.name).name]
        with Path(living.name).open("rb") as other, pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_form_upload_is_on_disk_and_locked_while_it_arrives(
    client: Client, user: User, settings: Any
) -> None:
    """The lock is what keeps other processes from taking it for abandoned."""
    work = Path(settings.PROCESSING_WORK_DIR)
    seen: list[bool] = []

    class Slow:
        parts = iter(
            [
                b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n',
                b"w " * 40_000,
                b"\r\n--x--\r\n",
            ]
        )

        def read(self, size: int = -1) -> bytes:
            for path in work.glob("upload-*"):
                with path.open("rb") as file:
                    try:
                        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                        seen.append(False)
                    except BlockingIOError:
                        seen.append(True)
            return next(self.parts, b"")

        readline = read

    client.force_login(user)
    sent: dict[str, Any] = {
        "CONTENT_TYPE": "multipart/form-data; boundary=x",
        "CONTENT_LENGTH": str(72 + 80_000 + 9),
        "wsgi.input": Slow(),
    }
    answer = client.generic("POST", "/api/v1/wordcount/create/", **sent)
    assert answer.status_code == 201, answer.content
    assert seen
    assert all(seen)
    wait_for(lambda: not list(work.glob("upload-*")), what="it was moved")


def test_a_late_call_about_an_upload_takes_it_from_nobody(upload: Upload) -> None:
    """The call read the row before a request was made of the upload."""
    holder = uuid4()
    assert services.uploads_hold(uploads=[upload], holder=holder)
    upload.chunk_size = upload.size
    for late in (
        lambda: services.chunk_receive(upload=upload, number=1, stream=BytesIO(b"two")),
        lambda: services._extend(upload),
    ):
        with pytest.raises(NotFound):
            late()
    kept = Upload.objects.get()
    assert (kept.held_by, kept.expires_at, kept.received) == (holder, None, [])
    Upload.objects.all().delete()
    with pytest.raises(NotFound):
        services._extend(upload)
    assert not Upload.objects.exists()


def test_bytes_of_an_upload_that_never_began_are_not_counted(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection is lost between the count and the row."""

    def lost(**_: Any) -> None:
        raise OperationalError("server closed the connection")

    monkeypatch.setattr(Upload.objects, "create", lost)
    with pytest.raises(OperationalError):
        services.upload_begin(owner=user, kind="wordcount", name="a", size=1000)
    assert not DailyUsage.objects.filter(bytes__gt=0).exists()


def test_files_are_looked_for_page_by_page(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """One statement for a million rows takes longer than a worker lets a statement last."""
    monkeypatch.setattr(tidy, "PAGE", 2)
    for number in range(5):
        ProcessingRequest.objects.create(
            owner=user, kind="wordcount", input_file=f"requests/{number}/input"
        )
    with CaptureQueriesContext(connection) as statements:
        assert len(set(tidy.find_named_files())) == 5
    asked = [each["sql"] for each in statements if "processingrequest" in each["sql"]]
    assert len(asked) == 4
    assert all("LIMIT 2" in each for each in asked)


@pytest.mark.parametrize("root", ["requests", "uploads"])
def test_orphans_are_found_by_as_many_statements_however_many_there_are(
    upload: Upload, root: str
) -> None:
    def check(folders: int) -> int:
        for _ in range(folders):
            default_storage.save(f"{root}/{uuid4()}/1/file", ContentFile(b"x"))
        with CaptureQueriesContext(connection) as statements:
            found = check_files(min_age_seconds=0, repair=True)
        assert (len(found.orphan_prefixes), found.missing_files) == (folders, [])
        return len(statements)

    assert check(2) == check(60)
    assert files() == ["upload"]
    assert check_files(min_age_seconds=0).orphan_prefixes == []


def test_file_of_a_row_is_one_that_must_be_there(upload: Upload) -> None:
    """It is in a backup, and reported when it is missing."""
    assert list(tidy.find_named_files()) == [], "nothing holds it"
    assert services.uploads_hold(uploads=[upload], holder=uuid4())
    assert list(tidy.find_named_files()) == [upload.file_name]
    default_storage.delete(upload.file_name)
    assert check_files().missing_files == [upload.file_name]


def test_scratch_that_goes_while_it_is_looked_at_is_no_fault(settings: Any) -> None:
    root = Path(settings.PROCESSING_WORK_DIR)
    root.mkdir()
    gone = root / f"job-{uuid4()}-1-x"
    gone.symlink_to(root / "nothing")  # listed, and not there when it is asked about
    assert list(find_abandoned_scratch(0)) == []
