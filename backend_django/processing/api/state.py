"""The state of requests, as fast as it can be read: pages ask for it every two seconds."""

import json
from functools import cache
from typing import Any
from uuid import UUID

from rest_framework.utils.encoders import JSONEncoder

from backend_django.utils.prepared import fetch_row
from backend_django.utils.translation import translate_stored

from ..models import ProcessingRequest
from ..pipeline import pipeline_of
from ..queries import requests_visible_to
from .serializers import ProcessingRequestSerializer, queue_position

COMPUTED = {"queue_position", "is_pipeline"}
COLUMNS = [
    "kind",
    *(name for name in ProcessingRequestSerializer.Meta.fields if name not in COMPUTED),
    "error_made_of",
]


# Stand for the values of a call in the statement that is kept.
USER_ID, REQUEST_ID, KIND = -1, UUID(int=0), "kind"


@cache
def _select(of_kind: bool) -> tuple[str, tuple[Any, ...]]:
    """Compose the query once: that costs Django as much as running it."""
    rows = requests_visible_to(USER_ID).filter(id=REQUEST_ID).order_by()
    if of_kind:
        rows = rows.filter(kind=KIND)
    return rows.values_list(*COLUMNS).query.sql_with_params()


def complete_state(state: dict[str, Any], *, tell_kind: bool) -> dict[str, Any]:
    """Return the state of a request, but for its place in the queue, from its COLUMNS."""
    made_of = state.pop("error_made_of")
    if state["error_message"]:
        state["error_message"] = translate_stored(state["error_message"], made_of)
    state["is_pipeline"] = pipeline_of(state["kind"]) is not None
    state["queue_position"] = None
    if not tell_kind:
        del state["kind"]
    return state


def state_json(*, id: UUID, user_id: Any, kind: str | None = None) -> bytes | None:
    """Return what `ProcessingRequestSerializer` would say of a request.

    Without the model and the serializer, which cost more than the rest of the answer.

    Args:
        kind: the one it must be of; None for any, which the state says then.

    Returns:
        None when the user may not see it, or it does not exist.
    """
    statement, names = _select(kind is not None)
    values = {USER_ID: user_id, REQUEST_ID: id, KIND: kind}
    row = fetch_row(statement, [values.get(name, name) for name in names])
    if row is None:
        return None
    state = complete_state(dict(zip(COLUMNS, row, strict=True)), tell_kind=kind is None)
    if state["status"] == ProcessingRequest.Status.PENDING:
        state["queue_position"] = queue_position(id)
    return json.dumps(state, cls=JSONEncoder, separators=(",", ":")).encode()
