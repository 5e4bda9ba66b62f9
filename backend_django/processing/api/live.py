"""Events about requests for a user's open pages."""

from collections.abc import Sequence
from typing import Any

from rest_framework import serializers

from backend_django.live.topics import topic

from ..changes import TOPIC
from ..models import ProcessingRequest
from ..queries import requests_visible_to
from .lists import AnyKindRequestSerializer
from .serializers import queue_position, request_state


class DeletedRequestSerializer(serializers.Serializer[Any]):
    """A request that is not there any more."""

    id = serializers.UUIDField()


@topic(TOPIC, changed=lambda: AnyKindRequestSerializer, deleted=lambda: DeletedRequestSerializer)
def describe_requests(user_id: Any, ids: Sequence[str]) -> list[tuple[str, Any]]:
    """Return the state of requests as the API has it, in the order in which they changed."""
    found = {str(row.id): row for row in requests_visible_to(user_id).filter(id__in=ids)}
    for row in found.values():
        if row.status == ProcessingRequest.Status.PENDING:
            row.queue_position = queue_position(row.id)
    return [
        ("changed", {"kind": found[each].kind, **request_state(found[each])})
        if each in found
        else ("deleted", {"id": each})
        for each in ids
    ]
