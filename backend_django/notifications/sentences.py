"""Sentences about requests that have ended, for the app and emails.

A `Message`: it is composed once, in a worker, and read by people with languages of their own.
"""

from collections.abc import Mapping

from backend_django.processing.models import ProcessingRequest
from backend_django.processing.registry import get_processor
from backend_django.utils.messages import Message
from backend_django.utils.translation import read_message

ENDED = ("completed", "failed")


def ended_title(request: ProcessingRequest) -> Message:
    """Return a few words: “dunes” failed."""
    name = " ".join(request.name.split())
    if request.status == "completed":
        return Message("“%(name)s” is completed", name=name)
    return Message("“%(name)s” failed", name=name)


def ended_sentence(request: ProcessingRequest) -> Message:
    """Return a sentence with the kind, and with the reason of a failure."""
    about = {"kind": _kind_title(request.kind), "name": " ".join(request.name.split())}
    if request.status == "completed":
        return Message("%(kind)s “%(name)s” is completed.", **about)
    if not request.error_message:
        return Message("%(kind)s “%(name)s” failed.", **about)
    reason = read_message(request.error_message, request.error_made_of)
    return Message("%(kind)s “%(name)s” failed: %(reason)s", **about, reason=reason)


def batch_sentence(kind: str, counts: Mapping[str, int]) -> Message:
    """Return a sentence about a batch: 40 requests have ended: 38 completed, 2 failed.

    Args:
        counts: how many requests ended with which status.
    """
    parts = [_part(status, count) for status, count in counts.items() if count]
    said = parts[0]
    for part in parts[1:]:
        said = Message("%(first)s, %(then)s", first=said, then=part)
    return Message.counted(
        "%(kind)s: %(count)s request has ended: %(said)s.",
        "%(kind)s: %(count)s requests have ended: %(said)s.",
        count=sum(counts.values()),
        kind=_kind_title(kind),
        said=said,
    )


def _part(status: str, count: int) -> Message:
    if status == "completed":
        return Message("%(count)s completed", count=count)
    if status == "failed":
        return Message("%(count)s failed", count=count)
    return Message("%(count)s cancelled", count=count)


def _kind_title(kind: str) -> Message:
    try:
        return Message(get_processor(kind).title)
    except KeyError:  # its feature is gone
        return Message(kind)
