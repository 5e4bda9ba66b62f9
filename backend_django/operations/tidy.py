"""Keeping house: what is past its time goes, what a crash left behind is found."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import chain, groupby
from pathlib import Path
from typing import TypeVar
from uuid import UUID

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Model, Q, QuerySet
from django.db.models.functions import Now

from backend_django.files.storage import delete_prefix, walk
from backend_django.files.temporary import find_abandoned_uploads
from backend_django.processing.inputs import input_refs
from backend_django.processing.models import ProcessingRequest
from backend_django.processing.request_files import ROOT
from backend_django.processing.scratch import find_abandoned_scratch, remove
from backend_django.uploads.models import Upload
from backend_django.uploads.services import ROOT as UPLOADS

PURGE_BATCH = 100
PAGE = 500
MIN_AGE_SECONDS = 3600  # younger files may belong to an upload or an attempt that is under way
Status = ProcessingRequest.Status
M = TypeVar("M", bound=Model)


def purge_finished() -> int:
    """Remove requests, with their files, whose retention is over; return how many."""
    if not settings.PROCESSING_RETENTION_DAYS:
        return 0
    unfinished = [Status.PENDING, Status.PROCESSING]
    old = ProcessingRequest.objects.filter(
        finished_at__lt=Now() - timedelta(days=settings.PROCESSING_RETENTION_DAYS), parent=None
    ).exclude(Q(used_by__status__in=unfinished) | Q(steps__used_by__status__in=unfinished))
    removed = 0
    # In batches, each its own transaction: a large backlog must not hold locks for minutes.
    while ids := list(old.values_list("id", flat=True)[:PURGE_BATCH]):
        with transaction.atomic():
            # As request_delete does: whoever retries one, or is going to use it, locks it too.
            all_of_it = ProcessingRequest.objects.filter(Q(id__in=ids) | Q(parent__in=ids))
            list(all_of_it.select_for_update().order_by("id").values_list("id"))
            still_old = list(old.filter(id__in=ids).values_list("id", flat=True))
            ProcessingRequest.objects.filter(id__in=still_old).delete()
        removed += len(still_old)
    return removed


@dataclass
class Findings:
    """Inconsistencies found. Prefixes are in the storage, scratch paths on this machine."""

    orphan_prefixes: list[str] = field(default_factory=list)
    orphan_scratch: list[Path] = field(default_factory=list)
    missing_files: list[str] = field(default_factory=list)


def check_files(*, min_age_seconds: float = MIN_AGE_SECONDS, repair: bool = False) -> Findings:
    """Compare the rows with the storage and the scratch space.

    Args:
        repair: remove the orphans as they are found, as a round may be ended before its end. What
            is missing cannot be brought back, and stays reported.
    """
    found = Findings()
    for prefix in chain(_orphan_prefixes(min_age_seconds), _orphan_uploads(min_age_seconds)):
        found.orphan_prefixes.append(prefix)
        if repair:
            delete_prefix(prefix)
    for path in [*find_abandoned_scratch(min_age_seconds), *find_abandoned_uploads()]:
        found.orphan_scratch.append(path)
        if repair:
            remove(path)
    found.missing_files = list(dict.fromkeys(_missing_files()))
    return found


@dataclass
class _Folder:
    """A folder of the storage by an id: when what is below it was last changed, by its name."""

    id: UUID
    prefix: str
    below: dict[str, datetime]


def _folders(root: str) -> Iterator[list[_Folder]]:
    """Give the folders below a root, a page at a time: a statement for each takes too long."""
    page: list[_Folder] = []
    for folder, files in groupby(walk(root), lambda file: file[0].split("/")[1:2]):
        try:
            found = _Folder(UUID("".join(folder)), "/".join([root, *folder]), {})
        except ValueError:
            continue  # not ours, or an empty root, which is named, too
        for name, changed in files:
            first = [*name.split("/"), ""][2]
            found.below[first] = max(changed, found.below.get(first, changed))
        page.append(found)
        if len(page) == PAGE:
            yield page
            page = []
    yield page


def _orphan_prefixes(min_age_seconds: float) -> Iterator[str]:
    """Give what is below the folders of requests and belongs to none of their attempts."""
    border = datetime.now(UTC) - timedelta(seconds=min_age_seconds)
    for page in _folders(ROOT):
        ids = [folder.id for folder in page]
        # In this order: an upload of the release before that is no more is a request.
        uploads = set(Upload.objects.filter(id__in=ids).values_list("id", flat=True))
        rows = ProcessingRequest.objects.filter(id__in=ids).values_list("id", "status", "attempt")
        requests = {row[0]: row[1:] for row in rows}
        for folder in page:
            if folder.id in uploads:
                continue
            if folder.id not in requests:
                if max(folder.below.values()) < border:
                    yield folder.prefix
                continue
            status, current = requests[folder.id]
            keeps = current if status in (Status.PROCESSING, Status.COMPLETED) else None
            for attempt, changed in folder.below.items():
                if attempt.isdigit() and int(attempt) != keeps and changed < border:
                    yield f"{folder.prefix}/{attempt}"


def _orphan_uploads(min_age_seconds: float) -> Iterator[str]:
    border = datetime.now(UTC) - timedelta(seconds=min_age_seconds)
    for page in _folders(UPLOADS):
        rows = Upload.objects.filter(id__in=[folder.id for folder in page])
        known = set(rows.values_list("id", flat=True))
        for folder in page:
            if folder.id not in known and max(folder.below.values()) < border:
                yield folder.prefix


def find_named_files() -> Iterator[str]:
    """Names in the storage that the rows name and that must be there."""
    for request in _by_pages(ProcessingRequest.objects.select_related("result")):
        files = [file for named in input_refs(request).values() for file in named]
        yield from (file["name"] for file in files if file["name"])  # others come from elsewhere
        if request.status == Status.COMPLETED:
            yield from (file["name"] for file in request.result.files.values())
    for upload in _by_pages(Upload.objects.filter(held_by__isnull=False)):  # by rows of features
        yield upload.file_name


def _by_pages(rows: QuerySet[M]) -> Iterator[M]:
    """Give all rows, a page at a time: no statement may take as long as all of them together."""
    page = list(rows.order_by("pk")[:PAGE])
    while page:
        yield from page
        page = list(rows.order_by("pk").filter(pk__gt=page[-1].pk)[:PAGE])


def _missing_files() -> Iterator[str]:
    there = {name for root in (ROOT, UPLOADS) for name, _ in walk(root)}
    # Asked again: it may be younger than what was listed.
    yield from (n for n in find_named_files() if n not in there and not default_storage.exists(n))
