"""Create many requests of one kind at once: all of them or none, in a few statements."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any
from uuid import UUID, uuid4, uuid5

from django.db import IntegrityError, transaction

from backend_django.uploads.quota import work_check
from backend_django.uploads.services import upload_discard, uploads_hold
from backend_django.users.models import User
from backend_django.utils.errors import Conflict, Invalid
from backend_django.utils.messages import Message

from .changes import announce_changes
from .enqueue import ring_on_commit
from .inputs import Resolved, Sources, resolve_each
from .models import ProcessingRequest
from .processor import Processor
from .services import (
    TRIES,
    UPLOAD_USED,
    created_by_column,
    debounce_open_requests,
    lock_results,
    request_build,
)
from .turns import read_next_turn

logger = logging.getLogger(__name__)
LIMIT = 1000  # requests of one call
KEYS = UUID("5b0c9a4e-55a7-4d0a-9a0e-2f6a4f6f1d3e")  # any: batches are named after keys in it
BUSY = Message("The same requests are being created by other calls. Try again.")


@dataclass
class NewRequest:
    """The arguments of `request_create` for one request."""

    parameters: dict[str, Any] = field(default_factory=dict)
    inputs: Sources = field(default_factory=dict)
    name: str = ""
    run_at: datetime | None = None
    deadline_at: datetime | None = None


@dataclass
class Made:
    """A request of a batch: its place in the call, and whether the call has made it."""

    index: int
    id: UUID
    is_new: bool


def batch_create(
    *,
    owner: User,
    processor: type[Processor],
    requests: Sequence[NewRequest],
    idempotency_key: str | None = None,
    created_by: User | None = None,
) -> tuple[UUID, list[Made]]:
    """Write pending rows, all or none, and wake a worker once they are safe.

    Returns:
        The id of the batch, and its requests. With an `idempotency_key` that the owner has used for
        a batch of this kind before, those made then. Of a unique kind, one that is open already
        stands for what would be the same.

    Raises:
        Invalid: inputs are not there, or not yet; it says of which requests.
        NotFound: a result was deleted meanwhile.
        Conflict: other calls go on creating the same requests of a unique kind.
        WorkUsedUp: the owner's jobs have had their processor time of today.
    """
    batch = uuid4()
    if idempotency_key is not None:
        batch = uuid5(KEYS, f"{owner.pk} {processor.name} {idempotency_key}")
        if earlier := _made_before(owner, batch):
            return batch, earlier
    work_check(owner_id=owner.pk)
    resolved = resolve_each(
        owner=owner,
        kind=processor.name,
        declared=processor.inputs,
        sources=[request.inputs for request in requests],
    )
    columns = {"batch": batch, **created_by_column(owner, created_by)}
    has_key = idempotency_key is not None
    for left in reversed(range(TRIES)):
        try:
            made = _insert(owner, processor, columns, requests, resolved, has_key)
            break
        except IntegrityError:
            if earlier := _made_before(owner, batch):
                return batch, earlier
            if not left:
                raise Conflict(BUSY) from None
    for one in made:
        for upload in [] if one.is_new else resolved[one.index].uploads:
            upload_discard(upload=upload)
    logger.info("batch %s created: %d of %s", batch, len(made), processor.name)
    return batch, made


def _made_before(owner: User, batch: UUID) -> list[Made]:
    rows = ProcessingRequest.objects.filter(owner=owner, batch=batch)
    keys = rows.values_list("idempotency_key", "id")
    found = [Made(int(key.rpartition("/")[2]), request, False) for key, request in keys if key]
    return sorted(found, key=lambda made: made.index)


def _insert(
    owner: User,
    processor: type[Processor],
    columns: dict[str, Any],
    requests: Sequence[NewRequest],
    resolved: Sequence[Resolved],
    has_key: bool,
) -> list[Made]:
    place: dict[str, Any] = {"queue": processor.queue, "priority": processor.priority}
    rows: list[ProcessingRequest] = []
    made: list[Made] = []
    uses = []
    with transaction.atomic():
        built = [
            request_build(
                owner,
                processor,
                found,
                request.name,
                request.parameters,
                run_at=request.run_at,
                deadline_at=request.deadline_at,
                # Two calls with the same key at once: one of them comes too late.
                idempotency_key=f"{columns['batch']}/{index}" if has_key else None,
                **place,
                **columns,
            )
            for index, (request, found) in enumerate(zip(requests, resolved, strict=True))
        ]
        keys = [row.unique_key for row in built]
        known = dict(debounce_open_requests(owner, processor, keys).values_list("unique_key", "id"))
        turns = count(read_next_turn(owner_id=owner.pk, **place))
        lock_results([request for found in resolved for request in found.requests])
        for index, (row, found) in enumerate(zip(built, resolved, strict=True)):
            if row.unique_key in known:
                made.append(Made(index, known[row.unique_key], False))
                continue
            if row.unique_key:
                known[row.unique_key] = row.id
            if found.uploads and not uploads_hold(uploads=found.uploads, holder=row.id):
                raise Invalid(fields={f"requests.{index}": UPLOAD_USED})
            if not row.run_at:
                row.turn = next(turns)
            rows.append(row)
            made.append(Made(index, row.id, True))
            uses += [(row.id, result) for result in dict.fromkeys(found.requests)]
        ProcessingRequest.objects.bulk_create(rows)
        link = ProcessingRequest.uses.through
        link.objects.bulk_create(
            link(from_processingrequest_id=user, to_processingrequest_id=used)
            for user, used in uses
        )
        announce_changes(rows)
        if rows:
            ring_on_commit(queue=processor.queue, request_id=rows[0].id)
    return made
