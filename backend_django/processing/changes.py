"""Announce that requests have changed, to the pages of those who may see them."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from backend_django.live.publish import publish_on_commit

from .models import ProcessingRequest
from .queries import users_who_see

TOPIC = "request"


def announce_changes(requests: Iterable[ProcessingRequest]) -> None:
    """Tell the pages of those who may see requests that these have changed, once it is committed.

    Whatever changes what the API says of a request calls this; tests/live compares.
    """
    by_user: dict[Any, list[UUID]] = {}
    for request in requests:
        for user_id in users_who_see(request):
            by_user.setdefault(user_id, []).append(request.id)
    for user_id, ids in by_user.items():
        publish_on_commit(user_ids=[user_id], topic=TOPIC, ids=ids)
