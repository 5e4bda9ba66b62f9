"""Working directories: one per attempt on this machine, below PROCESSING_WORK_DIR."""

import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from django.conf import settings

from .models import ProcessingRequest

NAME = re.compile(r"job-(?P<id>[0-9a-f-]{36})-(?P<attempt>\d+)-")


def _prefix(request_id: UUID, attempt: int) -> str:
    return f"job-{request_id}-{attempt}-"  # NAME reads it


def delete_scratch(request_id: UUID, attempt: int) -> None:
    """Remove what a lost attempt on this machine left of its work, and nothing of another's."""
    for path in Path(settings.PROCESSING_WORK_DIR).glob(f"{_prefix(request_id, attempt)}*"):
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def work_directory(request_id: UUID, attempt: int) -> Iterator[Path]:
    """A private, empty directory that is gone afterwards."""
    root = Path(settings.PROCESSING_WORK_DIR)
    root.mkdir(parents=True, exist_ok=True)
    path = Path(tempfile.mkdtemp(prefix=_prefix(request_id, attempt), dir=root))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def find_abandoned_scratch(min_age_seconds: float) -> Iterator[Path]:
    """Give the directories on this machine whose attempt is over, unless they are younger."""
    border = time.time() - min_age_seconds
    for path in Path(settings.PROCESSING_WORK_DIR).glob("job-*"):
        match = NAME.match(path.name)
        try:
            if not match or path.stat().st_mtime > border:
                continue
        except FileNotFoundError:  # its attempt has ended just now
            continue
        if not ProcessingRequest.objects.filter(
            id=match["id"],
            attempt=match["attempt"],
            status=ProcessingRequest.Status.PROCESSING,
        ).exists():
            yield path


def tidy_scratch() -> None:
    """Remove what workers of this machine left when it went down: for a worker that starts."""
    for path in find_abandoned_scratch(0):
        remove(path)


def remove(path: Path) -> None:
    """Remove a directory or a file; that it is gone already is fine."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
