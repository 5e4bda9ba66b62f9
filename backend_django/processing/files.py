"""Where the files of a request are: `requests/<id>/input/…` and `requests/<id>/<attempt>/…`.

The attempt is part of the name, so that a worker that lost its lease cannot write over the file of
the one that has it now.
"""

import errno
import hashlib
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast
from uuid import UUID

from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile

from backend_django.utils.errors import FileGone, StorageUnavailable

from .processor import OutputFile

T = TypeVar("T")
logger = logging.getLogger(__name__)
if TYPE_CHECKING:
    from .remote import RemoteStorage

ROOT = "requests"
STORE_PAUSES = (0.5, 1.0, 2.0)  # seconds
DISK_FULL_ERRORS = {errno.ENOSPC, errno.EDQUOT}


class _MovableFile(File):
    """A file that the file system storage may move instead of copy."""

    def __init__(self, path: Path) -> None:
        super().__init__(path.open("rb"), name=path.name)
        self._path = path

    def temporary_file_path(self) -> str:
        return str(self._path)


def remote() -> "RemoteStorage | None":
    """Return the storage if it is elsewhere; None if it is a folder that this machine sees."""
    return cast("RemoteStorage", default_storage) if hasattr(default_storage, "way_in") else None


def free_bytes() -> int:
    """Space left where jobs work. Where uploads go is the same disk, or one without end."""
    root = Path(settings.PROCESSING_WORK_DIR)
    root.mkdir(parents=True, exist_ok=True)
    return max(0, shutil.disk_usage(root).free - settings.PROCESSING_DISK_RESERVE_BYTES)


def request_prefix(request_id: UUID) -> str:
    return f"{ROOT}/{request_id}"


def input_name(request_id: UUID) -> str:
    """Return the name of an upload in the storage: one of our own, not the user's."""
    return f"{request_prefix(request_id)}/input/upload"


def save_input(request_id: UUID, upload: UploadedFile) -> str:
    """Store an upload and return its name."""
    return default_storage.save(input_name(request_id), upload)


def save_output(
    request_id: UUID, attempt: int, files: dict[str, OutputFile]
) -> dict[str, dict[str, str | int]]:
    """Store the files of an attempt and return what ProcessingResult.files says of them."""
    saved: dict[str, dict[str, str | int]] = {}
    for key, file in files.items():
        with file.path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        size = file.path.stat().st_size
        name = store(f"{request_prefix(request_id)}/{attempt}/{key}", file.path)
        saved[key] = {
            "name": name,
            "filename": file.filename,
            "size": size,
            "content_type": file.content_type,
            "sha256": digest,
        }
    return saved


def store(name: str, path: Path) -> str:
    """Store a file and return its name, trying again for a few seconds."""

    def save() -> str:
        with _MovableFile(path) as content:
            return default_storage.save(name, content)

    return _retry_storage(save)


def _retry_storage(act: Callable[[], T]) -> T:
    """Try for a few seconds: storage on a network has bad moments.

    Raises:
        StorageUnavailable: it failed each time.
    """
    for pause in (*STORE_PAUSES, None):
        try:
            return act()
        except FileNotFoundError:
            raise
        except OSError as error:
            if error.errno in DISK_FULL_ERRORS:
                raise
            if pause is None:
                raise StorageUnavailable from error
            logger.warning("storage: %s, trying again in %s s", type(error).__name__, pause)
            time.sleep(pause)
    raise AssertionError("unreachable")


def walk(prefix: str) -> Iterator[tuple[str, datetime]]:
    """Give name and time of change of everything below a prefix; empty folders are named too."""
    if storage := remote():
        yield from storage.walk(prefix)
        return
    root = Path(default_storage.path(""))
    for folder, folders, names in os.walk(root / prefix):
        for path in [Path(folder, name) for name in names] or ([] if folders else [Path(folder)]):
            with suppress(FileNotFoundError):
                changed = datetime.fromtimestamp(path.stat().st_mtime, UTC)
                yield path.relative_to(root).as_posix(), changed


def delete_prefix(prefix: str) -> None:
    """Remove everything below a prefix; nothing there is fine."""
    if storage := remote():
        storage.delete_prefix(prefix)
    else:
        shutil.rmtree(default_storage.path(prefix), ignore_errors=True)


def delete_request_files(request_id: UUID) -> None:
    delete_prefix(request_prefix(request_id))


def delete_attempt(request_id: UUID, attempt: int) -> None:
    delete_prefix(f"{request_prefix(request_id)}/{attempt}")


def delete_scratch(request_id: UUID, attempt: int) -> None:
    """Remove what a lost attempt on this machine left of its work, and nothing of another's."""
    for path in Path(settings.PROCESSING_WORK_DIR).glob(f"{_scratch_prefix(request_id, attempt)}*"):
        shutil.rmtree(path, ignore_errors=True)


def _scratch_prefix(request_id: UUID, attempt: int) -> str:
    return f"job-{request_id}-{attempt}-"


@contextmanager
def work_directory(request_id: UUID, attempt: int) -> Iterator[Path]:
    """A private, empty directory that is gone afterwards."""
    root = Path(settings.PROCESSING_WORK_DIR)
    root.mkdir(parents=True, exist_ok=True)
    path = Path(tempfile.mkdtemp(prefix=_scratch_prefix(request_id, attempt), dir=root))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def fetch_input(name: str, directory: Path, check: Callable[[], None]) -> Path:
    """Return a local path of the upload, alone in its directory.

    Args:
        check: called while bytes arrive; what it raises ends the transfer.

    Raises:
        FileGone, StorageUnavailable
    """
    storage = remote()
    if storage is None:
        path = Path(default_storage.path(name))
        if not path.is_file():
            raise FileGone
        return path
    directory.mkdir()
    target = directory / "upload"
    try:
        _retry_storage(lambda: storage.fetch(name, target, check))
    except FileNotFoundError as error:
        raise FileGone from error
    return target


def local_path(file: dict[str, Any]) -> Path:
    """Return a path of a file of a result that any program on this machine can open."""
    storage = remote()
    if storage is None:
        return Path(default_storage.path(file["name"]))
    return storage.local_copy(file["name"], file["size"])
