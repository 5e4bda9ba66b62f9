"""The files of many results as one ZIP, made while it is sent: never whole in memory or on a disk.

Two steps, so that what cannot be in it is said before a download begins: `archive_create` answers
with an id, and `archive_write` gives the bytes of the archive with that id, for a few minutes.
"""

import logging
import re
from collections.abc import Generator, Iterator
from os.path import splitext
from typing import Any
from uuid import UUID, uuid4
from zipfile import ZIP_DEFLATED, ZipFile

from django.conf import settings
from django.core.cache import caches
from django.core.exceptions import SuspiciousFileOperation
from django.db.models import QuerySet
from django.utils.text import get_valid_filename

from backend_django.files.refs import FileRef
from backend_django.files.storage import stream_file
from backend_django.utils.database_wait import database_budget, statement_limit
from backend_django.utils.messages import Message
from backend_django.utils.site import page_path

from .bulk import LIMIT, Outcome
from .models import ProcessingRequest, ProcessingResult
from .queries import requests_visible_to
from .registry import all_processors, get_processor

logger = logging.getLogger(__name__)
SECONDS = 600  # in which a download has to begin
NOTES = "NOT_COMPLETE.txt"
GIVE_UP = 3  # files: a storage that is away would take seconds for each of a thousand
LONGEST_NAME = 180  # bytes, without the suffix
# Names that a file may not have on Windows, with any suffix.
DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE | re.ASCII)


def archive_create(
    *, user_id: Any, rows: QuerySet[ProcessingRequest], of_all: bool = False
) -> tuple[UUID | None, Outcome]:
    """Choose the results that go into an archive, newest first.

    Args:
        rows: requests that the user may see; completed ones are chosen.
        of_all: whether the user is staff, who need not be able to see them elsewhere.

    Returns:
        The id of the archive, None when nothing can be in it; and what was refused.
    """
    outcome = Outcome()
    with_files = [processor.name for processor in all_processors() if processor.downloads]
    done = rows.filter(status=ProcessingRequest.Status.COMPLETED)
    chosen = done.filter(kind__in=with_files).order_by("-created_at", "-id")
    ids = list(chosen.values_list("id", flat=True)[: LIMIT + 1])
    if len(ids) > LIMIT:
        ids.pop()
        outcome.remaining = chosen.count() - LIMIT
    outcome.done = len(ids)
    for code, message, others in (
        (
            "not_completed",
            Message("There is no result yet."),
            rows.exclude(pk__in=done.values("pk")),
        ),
        ("no_files", Message("The result has no files."), done.exclude(kind__in=with_files)),
    ):
        if count := others.count():
            outcome.refuse(code, message, list(others.values_list("id", flat=True)[:LIMIT]), count)
    if not ids:
        return None, outcome
    archive_id = uuid4()
    value = {"user": user_id, "ids": ids, "of_all": of_all}
    caches["default"].set(_key(archive_id), value, SECONDS)
    return archive_id, outcome


def archive_find(*, user_id: Any, archive_id: UUID) -> list[UUID] | None:
    """Return the requests of an archive that was created for this user, if there is one.

    Without those that are there and the user may not see any more.
    """
    value = caches["default"].get(_key(archive_id))
    if not value or value["user"] != user_id:
        return None
    ids: list[UUID] = value["ids"]
    if value.get("of_all"):
        return ids
    others = ProcessingRequest.objects.filter(id__in=ids).exclude(
        id__in=requests_visible_to(user_id).values("id")
    )
    hidden = set(others.values_list("id", flat=True))
    return [each for each in ids if each not in hidden]


def archive_path(archive_id: UUID) -> str:
    """Return the path of the address that gives an archive."""
    return page_path(f"/api/v1/requests/download/{archive_id}/")


def _key(archive_id: UUID) -> str:
    return f"archive:{archive_id}"


class _Sink:
    """A writer for ZipFile, emptied after each write."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._pieces.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        pass

    def take(self) -> bytes:
        taken = b"".join(self._pieces)
        self._pieces.clear()
        return taken


def archive_write(ids: list[UUID]) -> Iterator[bytes]:
    """Give a ZIP of the files of these requests, in pieces that are never empty.

    A file that cannot be read, or not to its end, does not keep the others: the last entry of the
    archive names it.
    """
    sink, names, notes = _Sink(), _Names(), list[str]()
    failed = 0  # files in a row
    # Not compressed, as most results are already. "Deflated" all the same: a reader that does not
    # look at the end of the archive first cannot know how long a stored entry is.
    with ZipFile(sink, "w", ZIP_DEFLATED, compresslevel=0) as archive:  # type: ignore[call-overload]
        for number, request_id in enumerate(ids):
            if failed >= GIVE_UP:
                notes.append(f"The storage does not respond: {len(ids) - number} more requests.")
                break
            result = _find_result(request_id)
            if result is None:
                notes.append(f"{request_id}: the request was deleted or started again.")
                continue
            files = _files_of(result)
            folder = f"{names.add(result.request.name)}/" if len(files) > 1 else ""
            for file in files:
                entry = names.add(file["filename"], folder)
                whole = yield from _write_file(archive, entry, file, sink, notes)
                failed = 0 if whole else failed + 1
        if notes:
            text = "These files are missing or not complete:\n\n" + "\n".join(notes) + "\n"
            archive.writestr(names.add(NOTES), text)
    yield sink.take()


def _write_file(
    archive: ZipFile, entry: str, file: FileRef, sink: _Sink, notes: list[str]
) -> Generator[bytes, None, bool]:
    size, received, pieces = file["size"], 0, stream_file(file)
    try:
        piece = _read_piece(pieces)  # what is not there at all is no entry
        with archive.open(entry, "w", force_zip64=size > 2**30) as target:
            while piece:
                received += len(piece)
                target.write(piece)
                if taken := sink.take():
                    yield taken
                piece = _read_piece(pieces)
        if received != size:
            raise OSError("its size is another")
    except OSError as error:
        logger.warning("archive: %s ended after %d bytes: %s", file["name"], received, error)
        notes.append(f"{entry}: {received} of {size} bytes. Download it again.")
        return False
    return True


def _read_piece(pieces: Iterator[bytes]) -> bytes:
    """Read on as a web request of its own, whose limits that of the download no longer has."""
    with database_budget(settings.DATABASE_REQUEST_SECONDS):
        return next(pieces, b"")


def _find_result(request_id: UUID) -> ProcessingResult | None:
    with statement_limit(settings.DATABASE_REQUEST_SECONDS):
        return ProcessingResult.objects.select_related("request").filter(pk=request_id).first()


def _files_of(result: ProcessingResult) -> list[FileRef]:
    """Return the files of a result that may be downloaded."""
    try:
        keys = get_processor(result.request.kind).downloads
    except KeyError:  # its feature is gone
        keys = ()
    return [result.files[key] for key in keys if key in result.files]


class _Names:
    """Names of entries: safe wherever they are unpacked, and each there once."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def add(self, name: str, folder: str = "") -> str:
        stem, suffix = splitext(_safe_name(name))
        unique, number = f"{folder}{stem}{suffix}", 1
        while unique.casefold() in self._taken:  # some file systems do not tell cases apart
            number += 1
            unique = f"{folder}{stem}_{number}{suffix}"
        self._taken.add(unique.casefold())
        return unique


def _safe_name(name: str) -> str:
    try:
        safe = get_valid_filename(name).strip(".")
    except SuspiciousFileOperation:
        safe = ""
    stem, suffix = splitext(safe)
    stem = stem.encode()[:LONGEST_NAME].decode(errors="ignore")
    safe = f"{stem}{suffix[:20]}"
    return f"_{safe}" if DEVICES.match(safe) or not safe else safe
