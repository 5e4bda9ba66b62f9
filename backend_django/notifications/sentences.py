"""What is said of requests that have ended, in the app and in mails."""

from collections.abc import Mapping

from backend_django.processing.models import ProcessingRequest
from backend_django.processing.registry import get_processor

ENDED = {"completed": "is completed", "failed": "failed"}


def ended_title(request: ProcessingRequest) -> str:
    """Return a few words: “dunes” failed."""
    return f"“{' '.join(request.name.split())}” {ENDED[request.status]}"


def ended_sentence(request: ProcessingRequest) -> str:
    """Return a sentence with the kind, and with the reason of a failure."""
    reason = f": {request.error_message}" if request.error_message else "."
    return f"{_kind_title(request.kind)} {ended_title(request)}{reason}"


def batch_sentence(kind: str, counts: Mapping[str, int]) -> str:
    """Return a sentence about a batch: 40 requests have ended: 38 completed, 2 failed.

    Args:
        counts: how many requests ended with which status.
    """
    total = sum(counts.values())
    ended = "1 request has" if total == 1 else f"{total:,} requests have"
    said = ", ".join(f"{count:,} {status}" for status, count in counts.items() if count)
    return f"{_kind_title(kind)}: {ended} ended: {said}."


def _kind_title(kind: str) -> str:
    try:
        return get_processor(kind).title
    except KeyError:  # its feature is gone
        return kind
