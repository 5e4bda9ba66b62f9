"""Uploads: from before their first byte until they are a request, or are thrown away."""

import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now
from django.http import UnreadablePostError

from backend_django.users.models import User
from backend_django.utils.errors import (
    Conflict,
    Invalid,
    NotFound,
    StorageFull,
    StorageUnavailable,
)
from backend_django.utils.text import clean_text

from .files import DISK_FULL_ERRORS, delete_request_files
from .lifecycle import from_now
from .models import ProcessingRequest, ProcessingUpload
from .parts import ServerParts, way_in
from .processor import Processor
from .quota import quota_give_back, quota_take
from .temporary import temporary_upload

if TYPE_CHECKING:
    from .remote import DirectParts

logger = logging.getLogger(__name__)
NAMED_PARTS = 20  # in an error; more are not read by anybody
GONE = "There is no such upload. It may have expired: upload the file again."
STORE_FAILED = "The upload could not be stored. Try again in a moment."
EXPIRE_LIMIT = 100  # in one round, so that a round stays short


def upload_begin(
    *, owner: User, processor: type[Processor], name: str, size: int
) -> ProcessingUpload:
    """Write down that files are about to be stored. Call it outside of a transaction.

    Raises:
        TooLarge, QuotaUsedUp, WorkUsedUp: it is more than the owner may have today.
    """
    quota_take(owner=owner, size=size)
    return ProcessingUpload.objects.create(
        owner=owner,
        kind=processor.name,
        name=clean_text(name or "upload")[-255:],
        size=size,
        expires_at=from_now(settings.PROCESSING_STORE_SECONDS),
    )


def upload_start(
    *, owner: User, processor: type[Processor], name: str, size: int
) -> ProcessingUpload:
    """Open an upload that comes in parts, over hours if need be."""
    upload = upload_begin(owner=owner, processor=processor, name=name, size=size)
    way = way_in()
    upload.part_size = way.part_size(size)
    with storing(upload.id):
        way.begin(upload)
    _extend(upload)
    logger.info("upload %s: %d parts of %s", upload.id, upload.parts, upload.kind)
    return upload


def part_receive(*, upload: ProcessingUpload, number: int, stream: IO[bytes]) -> None:
    """Take a part whole or not at all: when this has returned, no crash takes it away.

    It arrives in a file of its own. So a part whose sender went away in the middle leaves nothing,
    and nothing is written into a file that has become a request meanwhile.

    Raises:
        Invalid: it ended early.
        NotFound: the upload has ended meanwhile.
    """
    if upload.mode != "server":
        raise Conflict("This upload goes into the storage itself. POST here for a part's address.")
    wanted = upload.length_of(number)
    with storing(upload.id), temporary_upload() as arriving:
        shutil.copyfileobj(stream, arriving, 256 * 1024)
        if arriving.tell() != wanted:
            raise Invalid(
                f"Part {number} ended after {arriving.tell()} of {wanted} bytes. Send it again."
            )
        arriving.seek(0)
        with transaction.atomic():
            row = ProcessingUpload.objects.select_for_update().filter(id=upload.id).first()
            if row is None:
                raise NotFound(GONE)
            if number not in row.received:
                ServerParts().store(row, number, arriving)
                row.received = sorted([*row.received, number])
            _extend(row)
    upload.refresh_from_db()


def parts_finish(*, upload: ProcessingUpload) -> str:
    """Make the parts one file and return its name.

    Raises:
        Conflict: parts are missing; it names them.
    """
    missing = sorted(set(range(1, upload.parts + 1)) - set(parts_received(upload=upload)))
    if missing:
        named = ", ".join(str(number) for number in missing[:NAMED_PARTS])
        more = f" and {len(missing) - NAMED_PARTS} more" if len(missing) > NAMED_PARTS else ""
        raise Conflict(f"The upload is not complete. Missing parts: {named}{more}.", "incomplete")
    with storing(upload.id):
        return way_of(upload).finish(upload)


def way_of(upload: ProcessingUpload) -> "ServerParts | DirectParts":
    """Return the way that this upload was begun on."""
    way = way_in()
    if isinstance(way, ServerParts) != (upload.mode == "server"):
        raise NotFound(GONE)  # the storage was changed meanwhile
    return way


def parts_received(*, upload: ProcessingUpload) -> list[int]:
    """Return the numbers of the parts that are there.

    Raises:
        NotFound: the storage has thrown the upload away.
    """
    try:
        with storing(upload.id):
            return way_of(upload).received(upload)
    except FileNotFoundError as error:
        raise NotFound(GONE) from error


def part_url(*, upload: ProcessingUpload, number: int) -> str:
    """Return where a browser may PUT a part, for a short time.

    Raises:
        Conflict: this upload takes its parts here.
    """
    way = way_of(upload)
    if isinstance(way, ServerParts):
        raise Conflict("This upload takes its parts here. PUT them to this address.")
    _extend(upload)
    return way.url(upload, number)


def _extend(upload: ProcessingUpload) -> None:
    upload.expires_at = from_now(settings.PROCESSING_UPLOAD_SECONDS)
    upload.save()
    upload.refresh_from_db()


@contextmanager
def storing(upload_id: UUID) -> Iterator[None]:
    """Turn a storage that is full or away into the answer that says so."""
    try:
        yield
    except (UnreadablePostError, FileNotFoundError):
        raise  # the sender has gone, or the file: the storage is well
    except OSError as error:
        logger.exception("upload %s could not be stored", upload_id)
        if error.errno in DISK_FULL_ERRORS:
            raise StorageFull from error
        raise StorageUnavailable(STORE_FAILED) from error


def upload_discard(*, upload_id: UUID, expired_only: bool = False) -> bool:
    """Remove an upload with its files; say whether it is gone.

    When the storage does not answer, a later round of maintenance does it.
    """
    with transaction.atomic():
        rows = ProcessingUpload.objects.filter(id=upload_id)
        if expired_only:
            rows = rows.filter(expires_at__lt=Now())
        row = rows.select_for_update().first()
        # Without a row it is a request by now, or what arrived here arrived after its expiry.
        if row is None and (
            expired_only or ProcessingRequest.objects.filter(id=upload_id).exists()
        ):
            return True
        try:
            delete_request_files(upload_id)
        except OSError:
            logger.exception("the files of upload %s are left for later", upload_id)
            rows.update(expires_at=Now())
            return False
        if row is not None:
            quota_give_back(upload=row)
        rows.forget()
        return True


def uploads_expire() -> None:
    """Remove the uploads that nobody made a request of in time."""
    expired = ProcessingUpload.objects.filter(expires_at__lt=Now()).values_list("id", flat=True)
    for upload_id in list(expired.order_by("expires_at")[:EXPIRE_LIMIT]):
        if not upload_discard(upload_id=upload_id, expired_only=True):
            break  # the storage is away: the next round tries again
