"""Uploads: from before their first byte until they are a request, or are thrown away."""

import logging
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from backend_django.users.models import User

from .files import delete_request_files
from .lifecycle import clean_text, from_now
from .models import ProcessingRequest, ProcessingUpload
from .processor import Processor

logger = logging.getLogger(__name__)
EXPIRE_LIMIT = 100  # in one round, so that a round stays short


def upload_begin(
    *, owner: User, processor: type[Processor], name: str, size: int
) -> ProcessingUpload:
    """Write down that files are about to be stored. Call it outside of a transaction."""
    return ProcessingUpload.objects.create(
        owner=owner,
        kind=processor.name,
        name=clean_text(name or "upload")[-255:],
        size=size,
        expires_at=from_now(settings.PROCESSING_STORE_SECONDS),
    )


def upload_discard(*, upload_id: UUID, expired_only: bool = False) -> None:
    """Remove an upload with its files; when the storage does not answer, a later round does it."""
    with transaction.atomic():
        rows = ProcessingUpload.objects.filter(id=upload_id)
        if expired_only:
            rows = rows.filter(expires_at__lt=Now())
        row = rows.select_for_update().first()
        # Without a row it is a request by now, or what arrived here arrived after its expiry.
        if row is None and (
            expired_only or ProcessingRequest.objects.filter(id=upload_id).exists()
        ):
            return
        try:
            delete_request_files(upload_id)
        except OSError:
            logger.exception("the files of upload %s are left for later", upload_id)
            rows.update(expires_at=Now())
        else:
            rows.forget()


def uploads_expire() -> int:
    """Remove the uploads that nobody made a request of in time; return how many."""
    expired = ProcessingUpload.objects.filter(expires_at__lt=Now()).values_list("id", flat=True)
    ids = list(expired.order_by("expires_at")[:EXPIRE_LIMIT])
    for upload_id in ids:
        upload_discard(upload_id=upload_id, expired_only=True)
    return len(ids)
