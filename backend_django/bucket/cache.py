"""Local copies of results that are in a bucket, for code that reads files.

Those used longest ago make room for others. A copy is never wrong: a name in the storage is written
once.
"""

import os
import stat
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from weakref import WeakValueDictionary

from django.conf import settings

from backend_django.files.storage import free_bytes
from backend_django.files.temporary import temporary_upload
from backend_django.utils.errors import StorageFull

from .objects import Bucket

_guard = threading.Lock()
_locks: WeakValueDictionary[str, threading.Lock] = WeakValueDictionary()


def _root() -> Path:
    return Path(settings.PROCESSING_WORK_DIR, "results")


def local_copy(storage: Bucket, name: str, size: int) -> Path:
    """Return the path of a copy, fetched if need be.

    Raises:
        FileNotFoundError: it is not in the bucket any more.
        BucketError: the bucket does not answer.
        StorageFull: there is no room for it.
    """
    path = _root() / name
    with _guard:
        lock = _locks.setdefault(name, threading.Lock())
    with lock:  # several tiles are asked for at once
        try:
            os.utime(path)  # used now; nothing is made where another process has made room
        except FileNotFoundError:
            _fetch(storage, name, size, path)
    return path


def _fetch(storage: Bucket, name: str, size: int, path: Path) -> None:
    _make_room(size)
    path.parent.mkdir(parents=True, exist_ok=True)
    with temporary_upload() as arriving:  # locked, and removed if this process is killed
        for chunk in storage.stream(name):
            arriving.write(chunk)
        arriving.flush()
        path.unlink(missing_ok=True)
        path.hardlink_to(arriving.name)


def _list_copies() -> Iterator[tuple[float, int, Path]]:
    """Give the time of use, size and path of each copy."""
    for path in _root().rglob("*"):
        with suppress(FileNotFoundError):  # others make room as well
            found = path.stat()
            if stat.S_ISREG(found.st_mode):
                yield found.st_mtime, found.st_size, path


def _make_room(size: int) -> None:
    copies = sorted(_list_copies())
    used = sum(length for _, length, _ in copies)
    for _, length, path in copies:
        limit = settings.PROCESSING_CACHE_BYTES  # type: ignore[misc]
        if used + size <= limit and size <= free_bytes():
            return
        path.unlink(missing_ok=True)
        used -= length
    if size > free_bytes():
        raise StorageFull
