"""Keep files in the configured storage, here or elsewhere, and get them back."""

import errno
import logging
import os
import shutil
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from io import BufferedReader
from pathlib import Path
from typing import TypeVar, cast

from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage

from backend_django.utils.errors import FileGone, StorageUnavailable
from backend_django.utils.on_commit import gather_on_commit
from backend_django.utils.tasks import send_on_commit

from .protocol import RemoteStorage
from .refs import FileRef

T = TypeVar("T")
logger = logging.getLogger(__name__)
CHUNK = 256 * 1024
STORE_PAUSES = (0.5, 1.0, 2.0)  # seconds
DELETED_AT_ONCE = 50  # prefixes, while somebody waits
DELETED_BY_TASK = 1000
DELETE = "backend_django.operations.tasks.maintenance_delete_files"
DISK_FULL_ERRORS = {errno.ENOSPC, errno.EDQUOT}


class _MovableFile(File):
    """A file that the file system storage may move instead of copy."""

    def __init__(self, path: Path) -> None:
        super().__init__(open_plainly(path), name=path.name)
        self._path = path

    def temporary_file_path(self) -> str:
        return str(self._path)


def remote() -> RemoteStorage | None:
    """Return the storage if it is elsewhere; None if it is a folder that this machine sees."""
    return cast(RemoteStorage, default_storage) if hasattr(default_storage, "chunk_store") else None


def check_storage() -> None:
    """Raise an OSError if no file can be kept just now, as far as can be seen without writing."""
    if storage := remote():
        storage.check()
        return
    root = Path(default_storage.path(""))
    root.mkdir(parents=True, exist_ok=True)  # as the first file would
    if not os.access(root, os.W_OK):
        raise PermissionError(errno.EACCES, "cannot be written to", str(root))


def free_bytes() -> int:
    """Space left where jobs work. Where uploads go is the same disk, or one without end."""
    root = Path(settings.PROCESSING_WORK_DIR)
    root.mkdir(parents=True, exist_ok=True)
    return max(0, shutil.disk_usage(root).free - settings.PROCESSING_DISK_RESERVE_BYTES)


def open_plainly(path: Path) -> BufferedReader:
    """Open a file to read it, but neither what a link leads to nor a pipe that nobody writes."""
    return os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb")


def store(name: str, path: Path) -> str:
    """Store a file and return its name, trying again for a few seconds.

    Raises:
        ValueError: it is no regular file by now; nothing is stored.
    """
    with _MovableFile(path) as content:
        stored = _retry_storage(lambda: default_storage.save(name, content))
    if remote() is None:
        moved = Path(default_storage.path(stored))
        if not stat.S_ISREG(moved.lstat().st_mode):
            moved.unlink()
            raise ValueError(f"{path} was exchanged for what is no regular file")
        _retry_storage(lambda: make_durable(stored))
    return stored


def make_durable(name: str) -> None:
    """Have the disk keep a stored file, and its name, through a loss of power.

    PostgreSQL does as much for the row that names it, and a storage elsewhere for itself.
    """
    if remote() is not None:
        return
    path = Path(default_storage.path(name))
    for each in (path, path.parent):
        handle = os.open(each, os.O_RDONLY | os.O_NOFOLLOW)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


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


def delete_prefixes(prefixes: Iterable[str]) -> None:
    """Remove what is below each prefix, for as long as the storage responds.

    What is left then is found by the hourly check, as what a crash leaves.
    """
    for prefix in prefixes:
        try:
            delete_prefix(prefix)
        except (OSError, StorageUnavailable) as error:
            logger.warning("%s and others are not deleted: %s", prefix, type(error).__name__)
            return


def _delete_some(prefixes: list[str]) -> None:
    delete_prefixes(prefixes[:DELETED_AT_ONCE])
    for start in range(DELETED_AT_ONCE, len(prefixes), DELETED_BY_TASK):
        send_on_commit(DELETE, prefixes[start : start + DELETED_BY_TASK])


def delete_prefix_on_commit(prefix: str) -> None:
    """Remove everything below a prefix once the present transaction is committed.

    Of many, a worker removes most: a storage elsewhere takes a call or two for each.
    """
    gather_on_commit(_delete_some, [prefix])


def fetch(name: str, directory: Path, check: Callable[[], None]) -> Path:
    """Return a local path of a file, alone in its directory.

    Args:
        directory: where to make a copy if the storage is elsewhere; it does not exist yet.
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
    directory.mkdir(parents=True)
    target = directory / "upload"
    try:
        _retry_storage(lambda: storage.fetch(name, target, check))
    except FileNotFoundError as error:
        raise FileGone from error
    return target


def local_path(file: FileRef) -> Path:
    """Return a path of a file that any program on this machine can open.

    From a storage elsewhere it is fetched, and kept for a while.
    """
    storage = remote()
    if storage is None:
        return Path(default_storage.path(file["name"]))
    return storage.local_copy(file["name"], file["size"])


def stream_file(file: FileRef) -> Iterator[bytes]:
    """Give the bytes of a file as they are read, without a copy on this machine."""
    if storage := remote():
        yield from storage.stream(file["name"])
        return
    with Path(default_storage.path(file["name"])).open("rb") as opened:
        while piece := opened.read(CHUNK):
            yield piece
