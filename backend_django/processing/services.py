"""The actions of users on requests. The only writers beside the worker's lifecycle."""

import logging
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.files import File
from django.db import IntegrityError, transaction
from django.db.models import Case, F, Q, QuerySet, Value, When
from django.db.models.functions import Now

from backend_django.uploads.models import Upload
from backend_django.uploads.quota import work_check
from backend_django.uploads.services import upload_discard, uploads_hold
from backend_django.users.models import User
from backend_django.utils.database_time import from_now
from backend_django.utils.errors import Conflict, NotFound
from backend_django.utils.messages import Message
from backend_django.utils.trace_id import trace_id

from . import lifecycle
from .changes import announce_changes
from .enqueue import advance_on_commit, ring_for_all, ring_on_commit
from .events import end_requests
from .inputs import RESULT_GONE, InputRef, Resolved, Sources, resolve_sources, summary
from .models import PausedKind, ProcessingRequest
from .processor import Processor
from .registry import get_processor
from .returning import update_returning
from .turns import LATER, next_turn

logger = logging.getLogger(__name__)
Status = ProcessingRequest.Status
NAMED_USERS = 3  # in an error
TRIES = 3  # a request that is in the way may end, and others may be created, meanwhile
UPLOAD_USED = Message("The upload was used already, or took too long. Upload the file again.")


def request_create(
    *,
    owner: User,
    processor: type[Processor],
    inputs: Sources | None = None,
    name: str = "",
    parameters: dict[str, Any] | None = None,
    idempotency_key: str | None = None,
    run_at: datetime | None = None,
    deadline_at: datetime | None = None,
    created_by: User | None = None,
) -> tuple[ProcessingRequest, bool]:
    """Write a pending row, and wake a worker once it is safe.

    Args:
        run_at: when it may begin; at once when None.
        deadline_at: when it fails if it is not over by then.
        inputs: by input of the processor, what to work on; files among it are stored first.
        created_by: who asks, on behalf of the owner; it is they who are told of the end.

    Returns:
        The request, and whether it is new: with an `idempotency_key` that the owner has used for
        this kind before, with uploads that a request has, or of a unique kind of which one is open,
        it is the one made then.

    Raises:
        NotFound, Conflict: an input is not there, or not yet.
        TooLarge, QuotaUsedUp, WorkUsedUp: it is more than the owner may have today.
    """
    sources = inputs or {}
    arriving = [source for named in sources.values() for source in named]
    if not any(isinstance(source, File) for source in arriving):  # those are counted
        work_check(owner_id=owner.pk)
    with resolve_sources(
        owner=owner, kind=processor.name, declared=processor.inputs, sources=sources
    ) as resolved:
        for left in reversed(range(TRIES)):
            try:
                request = _request_insert(
                    owner,
                    processor,
                    resolved,
                    name,
                    parameters or {},
                    idempotency_key,
                    run_at=run_at,
                    deadline_at=deadline_at,
                    **created_by_column(owner, created_by),
                )
                break
            except IntegrityError:
                earlier = request_by_key(
                    owner=owner, processor=processor, key=idempotency_key or ""
                )
                if not earlier and processor.unique:
                    key = processor.unique.key(parameters or {}, resolved.files)
                    earlier = debounce_open_requests(owner, processor, [key]).first()
                if earlier:
                    for upload in resolved.uploads:
                        upload_discard(upload=upload)
                    return earlier, False
                if not left:
                    raise
        if request is None:
            return _request_of(resolved.uploads), False
    logger.info("request %s created: %s", request.id, request.kind)
    return request, True


def _request_insert(
    owner: User,
    processor: type[Processor],
    resolved: Resolved,
    name: str,
    parameters: dict[str, Any],
    idempotency_key: str | None = None,
    **columns: Any,
) -> ProcessingRequest | None:
    """Write the row, which holds its uploads; None if one of them cannot be held."""
    columns |= _place(processor.name, owner.pk) | {"idempotency_key": idempotency_key}
    request = request_build(owner, processor, resolved, name, parameters, **columns)
    with transaction.atomic():
        if resolved.uploads and not uploads_hold(uploads=resolved.uploads, holder=request.id):
            transaction.set_rollback(True)
            return None
        lock_results(resolved.requests)
        request.save(force_insert=True)
        if processor.unique and processor.unique.debounce:
            request.refresh_from_db(fields=["run_at"])
        if resolved.requests:
            request.uses.add(*resolved.requests)  # type: ignore[arg-type]
        announce_changes([request])
        ring_on_commit(queue=request.queue, request_id=request.id)
    return request


def request_build(
    owner: User,
    processor: type[Processor],
    resolved: Resolved,
    name: str,
    parameters: dict[str, Any],
    **columns: Any,
) -> ProcessingRequest:
    """Return the row of a new request, not written yet."""
    files = summary(resolved.files)
    if processor.unique:
        columns["unique_key"] = processor.unique.key(parameters, resolved.files)
        if processor.unique.debounce and not columns.get("run_at"):
            columns["run_at"] = from_now(processor.unique.debounce.total_seconds())
    if columns.get("run_at"):
        columns["turn"] = LATER
    return ProcessingRequest(
        **files,
        kind=processor.name,
        name=(name or str(files["input_name"]) or processor.title)[:200],
        owner_id=owner.pk,
        parameters=parameters,
        inputs=resolved.files,
        **({"trace_id": trace_id.get()} | columns),
    )


def created_by_column(owner: User, user: User | None) -> dict[str, Any]:
    """Return the column that says who asks, where that is not the owner."""
    return {"created_by_id": user.pk} if user is not None and user.pk != owner.pk else {}


def debounce_open_requests(
    owner: User, processor: type[Processor], keys: Iterable[str | None]
) -> QuerySet[ProcessingRequest]:
    """Return the open requests of a unique kind with these keys, having them wait longer."""
    if not processor.unique:
        return ProcessingRequest.objects.none()
    same = ProcessingRequest.objects.filter(
        owner=owner,
        kind=processor.name,
        unique_key__in=set(keys),
        status__in=[Status.PENDING, Status.PROCESSING],
    )
    if processor.unique.debounce:
        pause = processor.unique.debounce.total_seconds()
        waiting = same.filter(status=Status.PENDING, run_at__isnull=False)
        announce_changes(update_returning(waiting, run_at=from_now(pause)))
    return same


def step_create(
    *,
    parent: ProcessingRequest,
    key: str,
    processor: type[Processor],
    files: dict[str, list[InputRef]],
    parameters: dict[str, Any],
    name: str,
) -> None:
    """Begin a step of a pipeline. Its files are there as long as the pipeline is.

    Raises:
        IntegrityError: it was begun already, or the pipeline is gone.
    """
    _request_insert(
        parent.owner,
        processor,
        Resolved(files),
        name,
        parameters,
        parent_id=parent.id,
        step_key=key,
        trace_id=parent.trace_id,
    )
    logger.info("step %s of %s begun: %s", key, parent.id, processor.name)


def step_retry(*, step: ProcessingRequest) -> None:
    """Start a step again because its pipeline is."""
    with suppress(Conflict):  # somebody else has done it
        _restart(step)


def _request_of(uploads: list[Upload]) -> ProcessingRequest:
    """Return the request that has all these uploads already.

    Raises:
        Conflict: there is none, because one of them has expired or belongs to something else.
    """
    ids = [upload.id for upload in uploads]
    holders = list(Upload.objects.filter(id__in=ids).values_list("held_by", flat=True))
    if len(holders) == len(ids) and len(set(holders)) == 1 and holders[0]:
        earlier = ProcessingRequest.objects.filter(id=holders[0]).first()
        if earlier:
            return earlier
    raise Conflict(UPLOAD_USED)


def lock_results(ids: list[UUID]) -> None:
    """Keep results that a request is going to use from being deleted meanwhile."""
    rows = ProcessingRequest.objects.select_for_update(no_key=True).filter(id__in=ids)
    if ids and len(rows.values_list("id")) < len(set(ids)):
        raise NotFound(RESULT_GONE)


def _place(kind: str, owner_id: Any) -> dict[str, Any]:
    """Return the columns that say where in which queue a request waits."""
    try:
        processor = get_processor(kind)
    except KeyError:  # its feature is gone; the reaper says so
        processor = Processor
    queue, priority = processor.queue, processor.priority
    turn = next_turn(owner_id=owner_id, queue=queue, priority=priority)
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

    A pipeline is cancelled when its steps are.

    Raises:
        Conflict: it is over already.
    """
    unfinished = ProcessingRequest.objects.filter(
        id=request.id, status__in=[Status.PENDING, Status.PROCESSING]
    )
    waits = Q(status=Status.PENDING)
    # One statement: between two, a worker may take a pending request, or give a running one back.
    if not end_requests(
        lambda: update_returning(
            unfinished,
            cancel_requested=True,
            status=Case(When(waits, then=Value(Status.CANCELLED)), default=F("status")),
            finished_at=Case(When(waits, then=Now())),
        )
    ):
        raise Conflict("Only a request that is pending or processing can be cancelled.")
    logger.info("request %s: cancel requested", request.id)
    request.refresh_from_db()
    if request.lease_expires_at == lifecycle.NEVER:
        for step in request.steps.filter(status__in=[Status.PENDING, Status.PROCESSING]):
            request_cancel(request=step)
        advance_on_commit(request.id)


def request_rename(*, request: ProcessingRequest, name: str) -> None:
    """Give a request another name, whatever its state."""
    renamed = update_returning(ProcessingRequest.objects.filter(id=request.id), name=name)
    announce_changes(renamed)
    request.name = name


def request_retry(*, request: ProcessingRequest) -> None:
    """Start a failed or cancelled request again, with as many attempts as a new one.

    A pipeline goes on from where it was: its completed steps stay.

    Raises:
        Conflict: it did not fail and was not cancelled, or it is a step.
        WorkUsedUp: its owner's jobs have had their processor time of today.
    """
    _refuse_step(request, Message("Retry that: it goes on from where it was."))
    work_check(owner_id=request.owner_id)
    _restart(request)


def _refuse_step(request: ProcessingRequest, what_to_do: Message) -> None:
    if request.parent is not None:
        raise Conflict(
            Message(
                "This is a step of “%(name)s”. %(what_to_do)s",
                name=request.parent.name,
                what_to_do=what_to_do,
            ),
            "is_step",
        )


def _restart(request: ProcessingRequest) -> None:
    try:
        _restart_row(request)
    except IntegrityError as error:
        if "request_unique_while_open" not in str(error):
            raise
        raise Conflict("Another one with the same parameters is open.", "not_unique") from error


def _restart_row(request: ProcessingRequest) -> None:
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
            run_at=None,
            retries=0,
            started_at=None,
            finished_at=None,
        )
        if not restarted:
            raise Conflict("Only a request that failed or was cancelled can be retried.")
        announce_changes([request])
        ring_on_commit(queue=place["queue"], request_id=request.id)
    request.refresh_from_db()


def request_delete(*, request: ProcessingRequest) -> None:
    """Remove a request in any state; its result and its files go with it (apps.py).

    A worker that has it notices with its next heartbeat, and removes what it has made since.

    Raises:
        Conflict: a request that is not over yet works on its result, or on that of one of its
            steps; or it is a step.
    """
    _refuse_step(request, Message("Delete that: its steps go with it."))
    with transaction.atomic():
        all_of_it = ProcessingRequest.objects.filter(Q(id=request.id) | Q(parent=request.id))
        list(all_of_it.select_for_update().order_by("id").values_list("id"))
        in_use = ProcessingRequest.objects.filter(
            uses__in=all_of_it, status__in=[Status.PENDING, Status.PROCESSING]
        )
        names = list(
            in_use.order_by("name").values_list("name", flat=True).distinct()[:NAMED_USERS]
        )
        if names:
            raise Conflict(
                Message(
                    "The result is being used by %(names)s. Wait for it, or cancel it first.",
                    names=", ".join(names),
                ),
                "in_use",
            )
        ProcessingRequest.objects.filter(id=request.id).delete()
    logger.info("request %s deleted", request.id)


def kind_pause(*, kind: str) -> bool:
    """Let no request of a kind begin until it is resumed; those that run go on.

    Returns:
        Whether it was not paused before.
    """
    _, is_new = PausedKind.objects.get_or_create(kind=kind)
    logger.info("kind %s paused", kind)
    return is_new


def kinds_resume(*, kinds: Iterable[str]) -> int:
    """Let requests of these kinds begin again; return how many of the kinds were paused."""
    with transaction.atomic():
        resumed, _ = PausedKind.objects.filter(kind__in=list(kinds)).delete()
        transaction.on_commit(ring_for_all, robust=True)
    logger.info("kinds resumed: %d", resumed)
    return resumed
