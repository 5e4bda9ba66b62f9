"""Tell processors how their requests ended, in the transaction that ended them."""

from collections.abc import Sequence

from .events import on_requests_ended
from .models import ProcessingRequest
from .processor import Processor
from .registry import get_processor

Status = ProcessingRequest.Status


@on_requests_ended
def call_hooks(ended: Sequence[ProcessingRequest]) -> None:
    for request in ended:
        try:
            processor = get_processor(request.kind)
        except KeyError:
            continue
        if request.status == Status.COMPLETED and _has_own(processor, "on_completed"):
            processor().on_completed(request, request.result)
        elif request.status == Status.FAILED and _has_own(processor, "on_failed"):
            processor().on_failed(request)


def _has_own(processor: type[Processor], name: str) -> bool:
    return getattr(processor, name) is not getattr(Processor, name)
