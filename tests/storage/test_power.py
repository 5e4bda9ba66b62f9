"""What a row says is there is on the disk before the row says so, also when the power fails."""

import os
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.test import Client

from backend_django.processing.models import ProcessingRequest
from backend_django.uploads.models import Upload
from backend_django.users.models import User
from tests.pipelines import work

from .test_chunks import CONTENT, create, put, start

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


@pytest.fixture(autouse=True)
def small_chunks(settings: Any, own_folders: None) -> None:
    settings.PROCESSING_UPLOAD_CHUNK_BYTES = 1000


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> dict[int, tuple[int, int]]:
    """What the disk was asked to keep, by inode: its size then, and the rows that were written."""
    found: dict[int, tuple[int, int]] = {}
    fsync = os.fsync

    def keep(handle: int) -> None:
        seen = os.fstat(handle)
        completed = ProcessingRequest.objects.filter(status="completed").count()
        found[seen.st_ino] = (seen.st_size, completed)
        fsync(handle)

    monkeypatch.setattr(os, "fsync", keep)
    return found


def is_kept(path: Path, synced: dict[int, tuple[int, int]]) -> bool:
    size, completed = synced[path.stat().st_ino]
    return size == path.stat().st_size and completed == 0 and path.parent.stat().st_ino in synced


def test_files_are_kept_before_their_rows(
    client: Client, user: User, told: list[str], synced: dict[int, tuple[int, int]]
) -> None:
    client.force_login(user)
    upload = start(client).json()
    for number in (1, 2, 3):
        assert put(client, upload["id"], number).status_code == 200
        chunks = Path(default_storage.path(Upload.objects.get().file_name))
        assert is_kept(chunks, synced), number
    assert create(client, upload["id"]).status_code == 201
    with chunks.open("rb") as file:
        whole = client.post("/api/v1/wordcount/copy/create/", {"file": file})
    assert whole.status_code == 201, whole.content
    request = ProcessingRequest.objects.get(id=whole.json()["id"])
    assert is_kept(Path(default_storage.path(request.input_file)), synced)
    ProcessingRequest.objects.exclude(id=request.id).delete()
    work(told)
    request.refresh_from_db()
    assert request.status == "completed", request.error_message
    (named,) = request.result.files.values()
    result = Path(default_storage.path(named["name"]))
    assert result.read_bytes() == CONTENT
    assert is_kept(result, synced)
