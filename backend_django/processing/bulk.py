"""Act on many requests: each on its own, so that one that cannot be does not keep the others."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from backend_django.utils.errors import DomainError
from backend_django.utils.messages import Message

from . import services
from .models import ProcessingRequest
from .queries import in_batches

logger = logging.getLogger(__name__)
Status = ProcessingRequest.Status
LIMIT = 1000  # requests of one call
BATCH = 200  # rows that are read at a time
# A call ends after this, with some of the requests left for the next one: a caller waits for the
# answer, and the files of a thousand requests may take the storage a minute to remove.
SECONDS = 2.0


@dataclass(frozen=True)
class Action:
    """An action on requests: the states it applies to, and those in which it is done already."""

    name: str
    perform: Callable[..., None]
    possible: Q
    settled: Q
    otherwise: str = ""
    ordering: str = "created_at"


UNDER_WAY = Q(status__in=[Status.PENDING, Status.PROCESSING], cancel_requested=False)
CANCEL = Action(
    "cancel",
    services.request_cancel,
    possible=UNDER_WAY,
    settled=Q(status=Status.CANCELLED)
    | Q(status__in=[Status.PENDING, Status.PROCESSING], cancel_requested=True),
    otherwise=Message("Only a request that is pending or processing can be cancelled."),
)
RETRY = Action(
    "retry",
    services.request_retry,
    possible=Q(status__in=[Status.FAILED, Status.CANCELLED]),
    settled=UNDER_WAY,
    otherwise=Message("Only a request that failed or was cancelled can be retried."),
)
DELETE = Action(
    "delete",
    services.request_delete,
    possible=Q(),
    settled=Q(pk__in=[]),
    ordering="-created_at",  # what uses a result before the result
)
ACTIONS = {action.name: action for action in (CANCEL, RETRY, DELETE)}


@dataclass
class Refusal:
    """The reasons why some requests were left unchanged."""

    code: str
    message: str
    count: int = 0
    ids: list[UUID] = field(default_factory=list)  # the first thousand


@dataclass
class Outcome:
    """The outcome of an action on many requests."""

    done: int = 0
    unchanged: int = 0  # they were in the wanted state already
    remaining: int = 0  # possible, but not in this call
    refused: list[Refusal] = field(default_factory=list)

    def refuse(self, code: str, message: str, ids: list[UUID], count: int | None = None) -> None:
        """Add requests that were refused, to others that were for the same reason."""
        found = next((r for r in self.refused if (r.code, r.message) == (code, message)), None)
        if found is None:
            found = Refusal(code, message)
            self.refused.append(found)
        found.count += len(ids) if count is None else count
        found.ids += ids[: LIMIT - len(found.ids)]


def requests_change(
    *,
    rows: QuerySet[ProcessingRequest],
    action: Action,
    limit: int | None = LIMIT,
    seconds: float | None = SECONDS,
) -> Outcome:
    """Cancel, retry or delete each of the rows that may be.

    Each is a transaction of its own, so nothing is locked for longer than one takes. Calling it
    again does the rest: what is done is not in `possible` any more.

    Args:
        limit: how many at most; None for all.
        seconds: after which no other one is begun; None for as long as it takes.
    """
    outcome, until = Outcome(), time.monotonic() + (seconds or float("inf"))
    counts = rows.order_by().aggregate(
        all=Count("pk"),
        possible=Count("pk", filter=action.possible),
        settled=Count("pk", filter=action.settled),
    )
    outcome.unchanged = counts["settled"]
    if impossible := counts["all"] - counts["possible"] - counts["settled"]:
        others = rows.exclude(action.possible | action.settled).order_by("created_at", "id")
        ids = list(others.values_list("id", flat=True)[:LIMIT])
        outcome.refuse("conflict", action.otherwise, ids, impossible)
    begun = 0
    for batch in in_batches(rows.filter(action.possible), action.ordering, BATCH):
        for request in batch:
            if begun == limit or time.monotonic() > until:
                outcome.remaining = max(0, counts["possible"] - begun)
                return outcome
            begun += 1
            request_id = request.id
            try:
                action.perform(request=request)
                outcome.done += 1
            except DomainError as error:
                outcome.refuse(error.code, error.message, [request_id])
    return outcome
