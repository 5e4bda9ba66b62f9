"""What users do to requests. The only writers beside the worker's lifecycle."""

import logging
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, transaction
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Now

from backend_django.users.models import User
from backend_django.utils.errors import Conflict, NotFound
from backend_django.utils.request_id import request_id as trace_id

from . import lifecycle
from .enqueue import ring_on_commit
from .events import end_requests
from .files import save_input
from .models import ProcessingRequest, ProcessingUpload
from .processor import Processor
from .quota import work_check
from .registry import get_processor
from .uploads import GONE, parts_finish, storing, upload_begin, upload_discard

logger = logging.getLogger(__name__)
Status = ProcessingRequest.Status


def request_create(
    *,
    owner: User,
    processor: type[Processor],
    upload: UploadedFile,
    name: str = "",
    parameters: dict[str, Any] | None = None,
    idempotency_key: str | None = None,
) -> tuple[ProcessingRequest, bool]:
    """Store the upload and the pending row, and hand the id to a worker once both are safe.

    Returns:
        The request, and whether it is new: with an `idempotency_key` that the owner has used for
        this kind before, it is the one made then.
    """
    pending = upload_begin(
        owner=owner, processor=processor, name=upload.name or "", size=upload.size or 0
    )
    try:
        with storing(pending.id):
            stored = save_input(pending.id, upload)
        return _request_of_upload(pending, stored, name, parameters or {}, idempotency_key)
    except BaseException:
        upload_discard(upload_id=pending.id)
        raise


def request_create_from_parts(
    *,
    owner: User,
    processor: type[Processor],
    upload_id: UUID,
    name: str = "",
    parameters: dict[str, Any] | None = None,
    idempotency_key: str | None = None,
) -> tuple[ProcessingRequest, bool]:
    """Make a request of an upload whose parts are all there; once, however often it is asked for.

    Raises:
        NotFound: there is no such upload of this owner.
        Conflict: parts are missing.
    """
    mine = {"id": upload_id, "owner": owner, "kind": processor.name}
    upload = ProcessingUpload.objects.filter(**mine, part_size__isnull=False).first()
    if upload is None:
        earlier = ProcessingRequest.objects.filter(**mine).first()
        if earlier is None:
            raise NotFound(GONE)
        return earlier, False
    stored = parts_finish(upload=upload)
    return _request_of_upload(upload, stored, name, parameters or {}, idempotency_key)


def _request_of_upload(
    upload: ProcessingUpload,
    stored: str,
    name: str,
    parameters: dict[str, Any],
    idempotency_key: str | None,
) -> tuple[ProcessingRequest, bool]:
    """Let a request take the place of an upload that is complete, both or neither."""
    try:
        with transaction.atomic():
            if not ProcessingUpload.objects.filter(id=upload.id).forget():
                earlier = ProcessingRequest.objects.filter(id=upload.id).first()
                if earlier:
                    return earlier, False
                raise Conflict("The upload took too long and was removed. Upload the file again.")
            request = ProcessingRequest.objects.create(
                **_place(upload.kind, upload.owner_id),
                id=upload.id,
                kind=upload.kind,
                name=(name or upload.name)[:200],
                owner_id=upload.owner_id,
                parameters=parameters,
                input_file=stored,
                input_name=upload.name,
                input_size=upload.size,
                idempotency_key=idempotency_key,
                trace_id=trace_id.get(),
            )
            ring_on_commit(queue=request.queue, request_id=request.id)
    except IntegrityError:
        earlier = ProcessingRequest.objects.filter(
            owner=upload.owner_id, kind=upload.kind, idempotency_key=idempotency_key or ""
        ).first()
        if not earlier:
            raise
        upload_discard(upload_id=upload.id)
        return earlier, False
    logger.info("request %s created: %s", request.id, request.kind)
    return request, True


def _place(kind: str, owner_id: Any) -> dict[str, Any]:
    """Return the columns that say where in which queue a request waits."""
    try:
        processor = get_processor(kind)
    except KeyError:  # its feature is gone; the reaper says so
        processor = Processor
    queue, priority = processor.queue, processor.priority
    turn = lifecycle.next_turn(owner_id=owner_id, queue=queue, priority=priority)
    return {"queue": queue, "priority": priority, "turn": turn}


def request_by_key(
    *, owner: User, processor: type[Processor], key: str
) -> ProcessingRequest | None:
    """Return the request that was made with this idempotency key, if any."""
    return ProcessingRequest.objects.filter(
        owner=owner, kind=processor.name, idempotency_key=key
    ).first()


def request_cancel(*, request: ProcessingRequest) -> None:
    """Stop a request: a pending one at once, a running one as soon as its worker hears of it.

    Raises:
        Conflict: it is over already.
    """
    unfinished = ProcessingRequest.objects.filter(
        id=request.id, status__in=[Status.PENDING, Status.PROCESSING]
    )
    waits = Q(status=Status.PENDING)
    # One statement: between two, a worker may take a pending request, or give a running one back.
    if not end_requests(
        lambda: lifecycle.update_returning(
            unfinished,
            cancel_requested=True,
            status=Case(When(waits, then=Value(Status.CANCELLED)), default=F("status")),
            finished_at=Case(When(waits, then=Now())),
        )
    ):
        raise Conflict("Only a request that is pending or processing can be cancelled.")
    logger.info("request %s: cancel requested", request.id)
    request.refresh_from_db()


def request_retry(*, request: ProcessingRequest) -> None:
    """Start a failed or cancelled request again, with as many attempts as a new one.

    Raises:
        Conflict: it did not fail and was not cancelled.
        WorkUsedUp: its owner's jobs have had their processor time of today.
    """
    work_check(owner_id=request.owner_id)
    with transaction.atomic():
        place = _place(request.kind, request.owner_id)
        restarted = ProcessingRequest.objects.filter(
            Q(status=Status.FAILED) | Q(status=Status.CANCELLED), id=request.id
        ).update(
            **place,
            status=Status.PENDING,
            max_attempts=F("attempt") + settings.PROCESSING_MAX_ATTEMPTS,
            phase="",
            step="",
            progress=0,
            error_code="",
            error_message="",
            cancel_requested=False,
            started_at=None,
            finished_at=None,
        )
        if not restarted:
            raise Conflict("Only a request that failed or was cancelled can be retried.")
        ring_on_commit(queue=place["queue"], request_id=request.id)
    request.refresh_from_db()


def request_delete(*, request: ProcessingRequest) -> None:
    """Remove a request in any state; its result and its files go with it (apps.py).

    A worker that has it notices with its next heartbeat, and removes what it has made since.
    """
    ProcessingRequest.objects.filter(id=request.id).delete()
    logger.info("request %s deleted", request.id)
