"""Keeping house: what is past its time goes, what a crash left behind is found."""

import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.core.files.storage import default_storage
from django.db.models.functions import Now

from .files import ROOT, delete_prefix, walk
from .models import ProcessingRequest, ProcessingUpload
from .temporary import abandoned_uploads, tidy_abandoned_uploads

PURGE_BATCH = 100
MIN_AGE_SECONDS = 3600  # younger files may belong to an upload or an attempt that is under way
SCRATCH = re.compile(r"job-(?P<id>[0-9a-f-]{36})-(?P<attempt>\d+)-")
Status = ProcessingRequest.Status


def purge_finished() -> int:
    """Remove requests, with their files, whose retention is over; return how many."""
    if not settings.PROCESSING_RETENTION_DAYS:
        return 0
    old = ProcessingRequest.objects.filter(
        finished_at__lt=Now() - timedelta(days=settings.PROCESSING_RETENTION_DAYS)
    )
    removed = 0
    # In batches, each its own transaction: a large backlog must not hold locks for minutes.
    while ids := list(old.values_list("id", flat=True)[:PURGE_BATCH]):
        ProcessingRequest.objects.filter(id__in=ids).delete()
        removed += len(ids)
    return removed


@dataclass
class Findings:
    """What does not fit together. Prefixes are in the storage, scratch paths on this machine."""

    orphan_prefixes: list[str] = field(default_factory=list)
    orphan_scratch: list[Path] = field(default_factory=list)
    missing_files: list[str] = field(default_factory=list)

    def repair(self) -> None:
        """Remove the orphans. What is missing cannot be brought back, and stays reported."""
        for prefix in self.orphan_prefixes:
            delete_prefix(prefix)
        for path in self.orphan_scratch:
            _remove(path)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def check_files(*, min_age_seconds: float = MIN_AGE_SECONDS) -> Findings:
    """Compare the rows with the storage and the scratch space."""
    return Findings(
        orphan_prefixes=list(_orphan_prefixes(min_age_seconds)),
        orphan_scratch=[*_orphan_scratch(min_age_seconds), *abandoned_uploads()],
        missing_files=list(_missing_files()),
    )


def tidy_scratch() -> None:
    """Remove what workers of this machine left when it went down: for a worker that starts."""
    tidy_abandoned_uploads()
    for path in _orphan_scratch(0):
        _remove(path)


def _orphan_prefixes(min_age_seconds: float) -> Iterator[str]:
    border = datetime.now(UTC) - timedelta(seconds=min_age_seconds)
    newest: dict[str, dict[str, datetime]] = {}  # of each request, by what is below its prefix
    for name, changed in walk(ROOT):
        _, folder, *rest = [*name.split("/"), ""]
        below = newest.setdefault(folder, {})
        below[rest[0]] = max(changed, below.get(rest[0], changed))
    for folder, below in newest.items():
        prefix = f"{ROOT}/{folder}"
        try:
            # In this order: an upload that is no more is a request, or gone for good.
            if ProcessingUpload.objects.filter(id=UUID(folder)).exists():
                continue
            request = ProcessingRequest.objects.filter(id=UUID(folder)).first()
        except ValueError:
            continue  # not ours
        if request is None:
            if max(below.values()) < border:
                yield prefix
            continue
        keeps = request.attempt if request.status in (Status.PROCESSING, Status.COMPLETED) else None
        for attempt, changed in below.items():
            if attempt.isdigit() and int(attempt) != keeps and changed < border:
                yield f"{prefix}/{attempt}"


def _orphan_scratch(min_age_seconds: float) -> Iterator[Path]:
    border = time.time() - min_age_seconds
    for path in Path(settings.PROCESSING_WORK_DIR).glob("job-*"):
        match = SCRATCH.match(path.name)
        if not match or path.stat().st_mtime > border:
            continue
        if not ProcessingRequest.objects.filter(
            id=match["id"], attempt=match["attempt"], status=Status.PROCESSING
        ).exists():
            yield path


def named_files() -> Iterator[str]:
    """Names in the storage that the rows name and that must be there."""
    rows = ProcessingRequest.objects.select_related("result").iterator(chunk_size=500)
    for request in rows:
        yield request.input_file
        if request.status == Status.COMPLETED:
            yield from (file["name"] for file in request.result.files.values())


def _missing_files() -> Iterator[str]:
    there = {name for name, _ in walk(ROOT)}
    # Asked again: it may be younger than what was listed.
    yield from (n for n in named_files() if n not in there and not default_storage.exists(n))
