"""A database of 0.1 that is in use keeps every row and file, and its work goes on."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.stack import ROOT

pytestmark = pytest.mark.slow
BEFORE = [("processing", "0004_parameters_encoder"), ("users", "0002_api_tokens")]

# As the rows of 0.1 were written: the models of then, and files where they were kept.
FILL = """
from datetime import timedelta
from uuid import UUID
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

apps = MigrationExecutor(connection).loader.project_state({before!r}).apps
owner = apps.get_model("users", "User").objects.create(email="ada@example.org", password="!")
requests = apps.get_model("processing", "ProcessingRequest")
now = timezone.now()
for number, (status, finished) in enumerate(
    [("completed", now), ("failed", now), ("cancelled", now), ("pending", None)]
):
    id = UUID(int=number + 1)
    name = default_storage.save(f"requests/{{id}}/input/upload", ContentFile(b"one two"))
    request = requests.objects.create(
        id=id, kind="wordcount", name=f"n{{number}}", owner=owner, status=status,
        parameters={{"minimum_length": 1}}, input_file=name, input_name="a.txt", input_size=7,
        attempt=int(status in ("completed", "failed")), finished_at=finished,
        idempotency_key=f"k{{number}}",
    )
    if status == "completed":
        report = default_storage.save(f"requests/{{id}}/1/report", ContentFile(b"one\\n"))
        apps.get_model("processing", "ProcessingResult").objects.create(
            request=request, attempt=1, data={{"words": 2, "attempt": 1}},
            files={{"report": {{"name": report, "filename": "r.txt", "size": 4,
                               "content_type": "text/plain", "sha256": "0" * 64}}}},
        )
        apps.get_model("processing", "ProcessingAttempt").objects.create(
            request=request, number=1, outcome="completed"
        )
upload = apps.get_model("processing", "ProcessingUpload").objects.create(
    id=UUID(int=9), kind="wordcount", owner=owner, name="b.txt", size=7, part_size=7,
    received=[1], expires_at=now + timedelta(days=1),
)
default_storage.save(f"requests/{{upload.id}}/input/upload", ContentFile(b"six six"))
apps.get_model("processing", "DailyUploads").objects.create(
    owner=owner, day=now.date(), bytes=28
)
"""

# What somebody finds who goes on with it.
CHECK = """
from uuid import UUID
from backend_django.operations.tidy import check_files
from backend_django.processing.inputs import UploadSource
from backend_django.processing.models import ProcessingRequest
from backend_django.processing.runner import run_next
from backend_django.processing.services import request_create, request_delete, request_retry
from backend_django.uploads.quota import usage_of
from backend_django.users.models import User
from tests.wordcount.processor import WordCount

owner = User.objects.get(email="ada@example.org")
assert usage_of(owner.pk)["uploaded_bytes"] == 28
by_name = {{r.name: r for r in ProcessingRequest.objects.filter(owner=owner)}}
assert [by_name[f"n{{n}}"].status for n in range(4)] == [
    "completed", "failed", "cancelled", "pending"
]
assert by_name["n0"].result.open_path("report").read_bytes() == b"one\\n"
found = check_files(min_age_seconds=0)
assert (found.orphan_prefixes, found.missing_files) == ([], []), found

request_retry(request=by_name["n1"])
finished, is_new = request_create(
    owner=owner, processor=WordCount, name="n9", parameters={{"minimum_length": 1}},
    inputs={{"file": [UploadSource(UUID(int=9))]}},
)
assert is_new
while run_next(queue="processing"):
    pass
for name, words in (("n0", 2), ("n1", 2), ("n3", 2), ("n9", 2)):
    request = ProcessingRequest.objects.get(name=name)
    assert (request.status, request.result.data["words"]) == ("completed", words), name
for request in ProcessingRequest.objects.all():
    request_delete(request=request)
found = check_files(min_age_seconds=0)
assert (found.orphan_prefixes, found.missing_files) == ([], []), found
"""


@pytest.fixture
def database_url() -> Iterator[str]:
    name, url = "upgrade_test", os.environ["DATABASE_URL"]
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield url.rsplit("/", 1)[0] + f"/{name}"
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.matrix
def test_database_of_0_1_keeps_all_and_goes_on(database_url: str, tmp_path: Path) -> None:
    environment = os.environ | {
        "DATABASE_URL": database_url,
        "DATA_DIR": str(tmp_path),
        "MEDIA_ROOT": str(tmp_path / "media"),
        "PROCESSING_WORK_DIR": str(tmp_path / "work"),
    }

    def manage(*arguments: str) -> None:
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT, env=environment, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-3000:]

    for app, migration in BEFORE:
        manage("migrate", "-v0", app, migration)
    manage("shell", "-v0", "-c", FILL.format(before=BEFORE))
    manage("migrate", "-v0")
    manage("shell", "-v0", "-c", CHECK.format())
