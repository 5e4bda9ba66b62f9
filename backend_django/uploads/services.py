"""Uploads: from before their first byte until something holds them, or they are thrown away."""

import logging
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import IO
from uuid import UUID, uuid4

from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models.functions import Now
from django.http import UnreadablePostError

from backend_django.files.protocol import DirectChunks
from backend_django.files.storage import DISK_FULL_ERRORS, delete_prefix, make_durable
from backend_django.files.temporary import temporary_upload
from backend_django.users.models import User
from backend_django.utils.database_time import from_now
from backend_django.utils.errors import (
    Conflict,
    Invalid,
    NotFound,
    StorageFull,
    StorageUnavailable,
)
from backend_django.utils.messages import Message
from backend_django.utils.text import clean_text

from .chunks import ServerChunks, chunk_store
from .models import Upload
from .quota import quota_give_back, quota_take

logger = logging.getLogger(__name__)
ROOT = "uploads"
NAMED_CHUNKS = 20  # in an error; more are not read by anybody
GONE = Message("There is no such upload. It may have expired: upload the file again.")
STORE_FAILED = Message("The upload could not be stored. Try again in a moment.")
EXPIRE_LIMIT = 100  # in one round, so that a round stays short


@transaction.atomic  # else a process that ends in between leaves the bytes counted for the day
def upload_begin(*, owner: User, kind: str, name: str, size: int) -> Upload:
    """Write down that a file is about to be stored. Call it outside of a transaction.

    Raises:
        TooLarge, QuotaUsedUp, WorkUsedUp: it is more than the owner may have today.
    """
    quota_take(owner=owner, size=size)
    new_id = uuid4()
    return Upload.objects.create(
        id=new_id,
        owner=owner,
        kind=kind,
        name=clean_text(name or "upload")[-255:],
        size=size,
        stored_name=f"{ROOT}/{new_id}/upload",  # a name of our own, not the user's
        expires_at=from_now(settings.PROCESSING_STORE_SECONDS),
    )


def upload_store(*, owner: User, kind: str, file: File) -> Upload:
    """Store a file that has arrived as a whole. Something must hold it before it expires."""
    upload = upload_begin(owner=owner, kind=kind, name=file.name or "", size=file.size or 0)
    try:
        with storing(upload.id):
            make_durable(default_storage.save(upload.file_name, file))
    except BaseException:
        upload_discard(upload=upload)
        raise
    return upload


def upload_start(*, owner: User, kind: str, name: str, size: int) -> Upload:
    """Open an upload that comes in chunks, over hours if need be."""
    upload = upload_begin(owner=owner, kind=kind, name=name, size=size)
    way = chunk_store()
    upload.chunk_size = way.chunk_size(size)
    with storing(upload.id):
        way.begin(upload)
    upload.save()
    _extend(upload)
    logger.info("upload %s: %d chunks of %s", upload.id, upload.chunks, upload.kind)
    return upload


def uploads_hold(*, uploads: Iterable[Upload], holder: UUID) -> bool:
    """Keep files for as long as something uses them. Call it in the transaction that makes that.

    Returns:
        Whether all of them could be held: False when one has expired, or something else holds it.
    """
    ids = [upload.id for upload in uploads]
    held = Upload.objects.filter(id__in=ids, held_by=None).update(held_by=holder, expires_at=None)
    return held == len(ids)


def uploads_release(*, holder: UUID) -> None:
    """Remove the files that something held which is deleted."""
    Upload.objects.filter(held_by=holder).delete()


def chunk_receive(*, upload: Upload, number: int, stream: IO[bytes]) -> None:
    """Take a chunk whole or not at all: when this has returned, no crash takes it away.

    It arrives in a file of its own. So a chunk whose sender went away in the middle leaves nothing,
    and nothing is written into a file that has become a request meanwhile.

    Raises:
        Invalid: it ended early.
        NotFound: the upload has ended meanwhile.
    """
    if upload.mode != "server":
        raise Conflict("This upload goes into the storage itself. POST here for a chunk's address.")
    wanted = upload.length_of(number)
    with storing(upload.id), temporary_upload() as arriving:
        shutil.copyfileobj(stream, arriving, 256 * 1024)
        if arriving.tell() != wanted:
            raise Invalid(
                Message(
                    "Chunk %(number)s ended after %(received)s of %(wanted)s bytes. Send it again.",
                    number=number,
                    received=arriving.tell(),
                    wanted=wanted,
                )
            )
        arriving.seek(0)
        with transaction.atomic():
            row = Upload.objects.select_for_update().filter(id=upload.id, held_by=None).first()
            if row is None:
                raise NotFound(GONE)
            if number not in row.received:
                ServerChunks().store(row, number, arriving)
                row.received = sorted([*row.received, number])
                row.save(update_fields=["received"])
            _extend(row)
    upload.refresh_from_db()


def chunks_finish(*, upload: Upload) -> None:
    """Make the chunks one file.

    Raises:
        Conflict: chunks are missing; it names them.
    """
    missing = sorted(set(range(1, upload.chunks + 1)) - set(chunks_received(upload=upload)))
    if missing:
        named = ", ".join(str(number) for number in missing[:NAMED_CHUNKS])
        more = len(missing) - NAMED_CHUNKS
        message = (
            Message(
                "The upload is not complete. Missing chunks: %(named)s and %(more)s more.",
                named=named,
                more=more,
            )
            if more > 0
            else Message("The upload is not complete. Missing chunks: %(named)s.", named=named)
        )
        raise Conflict(message, "incomplete")
    with storing(upload.id):
        open_chunk_store(upload).finish(upload)


def open_chunk_store(upload: Upload) -> ServerChunks | DirectChunks:
    """Return the way that this upload was begun on."""
    way = chunk_store()
    if isinstance(way, ServerChunks) != (upload.mode == "server"):
        raise NotFound(GONE)  # the storage was changed meanwhile
    return way


def chunks_received(*, upload: Upload) -> list[int]:
    """Return the numbers of the chunks that are there.

    Raises:
        NotFound: the storage has thrown the upload away.
    """
    try:
        with storing(upload.id):
            return open_chunk_store(upload).list_chunks(upload)
    except FileNotFoundError as error:
        raise NotFound(GONE) from error


def chunk_url(*, upload: Upload, number: int) -> str:
    """Return where a browser may PUT a chunk, for a short time.

    Raises:
        Conflict: this upload takes its chunks here.
    """
    way = open_chunk_store(upload)
    if isinstance(way, ServerChunks):
        raise Conflict("This upload takes its chunks here. PUT them to this address.")
    _extend(upload)
    return way.url(upload, number)


def _extend(upload: Upload) -> None:
    """Let an upload live on, unless something holds it, which then decides that."""
    free = Upload.objects.filter(id=upload.id, held_by=None)
    if not free.update(expires_at=from_now(settings.PROCESSING_UPLOAD_SECONDS)):
        raise NotFound(GONE)
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


def upload_discard(*, upload: Upload, expired_only: bool = False) -> bool:
    """Remove an upload that nothing holds, with its file; say whether it is gone.

    When the storage does not answer, a later round of maintenance does it.
    """
    with transaction.atomic():
        rows = Upload.objects.select_for_update().filter(id=upload.id)
        row = (rows.filter(expires_at__lt=Now()) if expired_only else rows).first()
        if (row is None and expired_only) or (row is not None and row.held_by is not None):
            return True
        # Without a row it had expired, and its file arrived afterwards.
        try:
            delete_prefix(upload.prefix)
        except OSError:
            logger.exception("the file of upload %s is left for later", upload.id)
            rows.update(expires_at=Now())
            return False
        if row is not None:
            quota_give_back(upload=row)
            row.delete()
        return True


def uploads_expire() -> None:
    """Remove the uploads that nothing held in time."""
    expired = Upload.objects.filter(expires_at__lt=Now()).order_by("expires_at")
    for upload in expired[:EXPIRE_LIMIT]:
        if not upload_discard(upload=upload, expired_only=True):
            break  # the storage is away: the next round tries again
