"""A summary while one watches: the statistics of a text, then each sentence as it is chosen."""

import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import asdict
from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from backend_django.processing.models import ProcessingRequest, ProcessingResult
from backend_django.processing.queries import requests_visible_to
from backend_django.summaries.processor import MAX_LETTERS, MAX_SENTENCES, SECONDS, Summary
from backend_django.summaries.services import (
    Attempt,
    CancelledSummary,
    summary_begin,
    summary_cancel,
    summary_complete,
    summary_fail,
    summary_give_back,
    summary_report,
    too_long,
)
from backend_django.summaries.summary import Sentence, Statistics, as_result, summarise
from backend_django.users.credentials import credentials_ended
from backend_django.utils.errors import NotFound

from .callers import CurrentCaller
from .gate import Caller
from .streams import CONTENT_TYPE, JsonLines, Why
from .threads import in_arithmetic, in_database, tidy_connections

T = TypeVar("T")
REPORT_SECONDS = 1.0
router = APIRouter(prefix="/summaries", tags=["fast"])


class SummaryOrder(BaseModel):
    """A text, and how many of its sentences to choose."""

    model_config = ConfigDict(extra="forbid")

    text: Annotated[str, Field(min_length=1, max_length=MAX_LETTERS, pattern=r"^[^\x00]*$")]
    sentences: Annotated[int, Field(strict=True, ge=1, le=MAX_SENTENCES)] = 3


class SummaryEvent(BaseModel):
    """A line. `request` comes first; `result` is the last one of a summary that is complete.

    What else it has depends on the event: `id` and `status` of the request, the statistics, the
    sentence, the result, or the problem document of an error.
    """

    model_config = ConfigDict(extra="allow")

    event: Literal["request", "statistics", "sentence", "result", "error"]


LINES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Events, one JSON object a line",
        "content": {CONTENT_TYPE: {"schema": SummaryEvent.model_json_schema()}},
    }
}


@router.post("/", response_class=Response, responses=LINES, operation_id="fast_summaries_create")
async def create_summary(order: SummaryOrder, caller: CurrentCaller) -> JsonLines:
    """Summarise a text, and stream what is found as it is found.

    It is a request as any other: in the list, in the history, with a result. Hang up to cancel it.
    """
    request, attempt = await in_database(_begin, order, caller)
    if attempt is None:  # a worker does it; /events/ tells of it
        return JsonLines(_only(_request_event(request)), seconds=SECONDS)
    work = _Work(request, attempt, caller)
    return JsonLines(work.events(request.parameters), seconds=SECONDS, on_break=work.break_off)


@router.get(
    "/{id}/", response_class=Response, responses=LINES, operation_id="fast_summaries_retrieve"
)
async def read_summary(id: UUID, caller: CurrentCaller) -> JsonLines:
    """Stream a summary again that is there already, whoever has made it."""
    return JsonLines(_all(await in_database(_stored_events, id, caller)), seconds=SECONDS)


def _begin(order: SummaryOrder, caller: Caller) -> tuple[ProcessingRequest, Attempt | None]:
    serializer = Summary.parameters_serializer(data=order.model_dump())  # as every other way in
    serializer.is_valid(raise_exception=True)
    return summary_begin(
        owner=caller.owner,
        created_by=caller.user,
        parameters=Summary.plain_parameters(serializer.validated_data),
        worker="fastapi",
    )


def _stored_events(id: UUID, caller: Caller) -> list[dict[str, Any]]:
    rows = requests_visible_to(caller.user).select_related("result")
    request = rows.filter(id=id, kind=Summary.name).first()
    if request is None:
        raise NotFound
    events = [_request_event(request)]
    if request.status == ProcessingRequest.Status.COMPLETED:
        result: ProcessingResult = request.result
        events.append({"event": "result", **result.data})
    return events


def _request_event(request: ProcessingRequest) -> dict[str, Any]:
    return {"event": "request", "id": str(request.id), "status": request.status}


async def _all(events: list[dict[str, Any]]) -> AsyncIterator[dict[str, Any]]:
    for event in events:
        yield event


def _only(event: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
    return _all([event])


class _Work:
    """One summary under way."""

    def __init__(self, request: ProcessingRequest, attempt: Attempt, caller: Caller) -> None:
        self.request, self.attempt, self.caller = request, attempt, caller
        self.seconds = 0.0  # of processor time

    async def events(self, parameters: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        yield _request_event(self.request)
        wanted = parameters["sentences"]
        steps = summarise(parameters["text"], wanted)
        parts: list[Statistics | Sentence] = []
        reported = time.monotonic()
        while (part := await in_arithmetic(lambda: self.step(steps))) is not None:
            parts.append(part)
            name = "statistics" if isinstance(part, Statistics) else "sentence"
            yield {"event": name, **asdict(part)}
            if time.monotonic() - reported > REPORT_SECONDS:
                progress = 100 * len(parts) // (wanted + 2)
                if not await in_database(self.report, progress):
                    await in_database(self.end, summary_cancel)
                    raise CancelledSummary
                reported = time.monotonic()
        data = as_result(parts)
        if not await in_database(self.end, summary_complete, data=data):
            raise CancelledSummary
        yield {"event": "result", **data}

    def step(self, steps: Iterator[Statistics | Sentence]) -> Statistics | Sentence | None:
        began = time.thread_time()
        try:
            return next(steps, None)
        finally:
            self.seconds += time.thread_time() - began

    def report(self, progress: int) -> bool:
        """Say that it goes on; False when it must not, or its caller is signed out."""
        return summary_report(attempt=self.attempt, progress=progress) and not credentials_ended(
            [self.caller.credential]
        )

    def end(self, write: Callable[..., T], **values: Any) -> T:
        """Write down how it has ended, in a thread; its processor time is counted once."""
        seconds, self.seconds = self.seconds, 0.0
        try:
            return write(attempt=self.attempt, seconds=seconds, **values)
        except BaseException:
            self.seconds += seconds
            raise

    def break_off(self, why: Why) -> None:
        """Write down that it has ended early, in a thread."""
        try:
            if why == Why.DEADLINE:
                self.end(summary_fail, code="time_limit", message=too_long())
            else:
                self.end(summary_give_back if why == Why.STOPPED else summary_cancel)
        finally:
            tidy_connections()
