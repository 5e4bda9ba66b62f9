"""Announce that requests have changed, to the pages of those who may see them."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from backend_django.live.publish import publish_on_commit

from .models import ProcessingRequest

TOPIC = "request"


def announce_changes(requests: Iterable[ProcessingRequest]) -> None:
    """Tell the pages of those who may see requests that these have changed, once it is committed.

    Whatever changes what the API says of a request calls this; tests/live compares.
    """
    by_owner: dict[Any, list[UUID]] = {}
    for request in requests:
        by_owner.setdefault(request.owner_id, []).append(request.id)
    for owner_id, ids in by_owner.items():
        publish_on_commit(user_ids=[owner_id], topic=TOPIC, ids=ids)
