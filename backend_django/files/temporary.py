"""Uploads as they arrive: files in the work directory that are locked while their process lives.

A process that is killed cannot remove its file. Its lock ends with it, so whoever comes next can
tell: what nobody has locked, nobody writes.
"""

import fcntl
import tempfile
import time
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile
from django.core.files.uploadhandler import TemporaryFileUploadHandler

PREFIX = "upload-"
MIN_AGE_SECONDS = 5  # one that was made this instant may not be locked yet
TIDY_SECONDS = 600
_tidied = float("-inf")


def temporary_upload() -> IO[bytes]:
    """Return a new, locked file in the work directory, removed when it is closed."""
    directory = Path(settings.PROCESSING_WORK_DIR)
    directory.mkdir(parents=True, exist_ok=True)
    file = tempfile.NamedTemporaryFile(prefix=PREFIX, dir=directory)  # noqa: SIM115
    fcntl.flock(file, fcntl.LOCK_EX)
    return file


class LockedUploadedFile(TemporaryUploadedFile):
    """Django's temporary upload under a name of ours, locked."""

    def __init__(self, *args: Any) -> None:
        UploadedFile.__init__(self, temporary_upload(), *args)


class LockedUploadHandler(TemporaryFileUploadHandler):
    """Put each uploaded file on disk as it arrives; now and then remove what the killed left."""

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        tidy_sometimes()
        super(TemporaryFileUploadHandler, self).new_file(*args, **kwargs)
        self.file = LockedUploadedFile(
            self.file_name, self.content_type, 0, self.charset, self.content_type_extra
        )


def find_abandoned_uploads() -> list[Path]:
    """Return the temporary uploads on this machine whose process is gone."""
    found = []
    for path in Path(settings.PROCESSING_WORK_DIR).glob(f"{PREFIX}*"):
        try:
            if path.stat().st_mtime > time.time() - MIN_AGE_SECONDS:
                continue
            with path.open("r+b") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:  # it is locked, or its process has just removed it
            continue
        found.append(path)
    return found


def tidy_abandoned_uploads() -> None:
    """Remove what killed processes of this machine left of uploads."""
    for path in find_abandoned_uploads():
        path.unlink(missing_ok=True)


def tidy_sometimes() -> None:
    """Tidy in a web process: there may be no worker on its machine to do it."""
    global _tidied
    if time.monotonic() - _tidied > TIDY_SECONDS:
        _tidied = time.monotonic()
        tidy_abandoned_uploads()
