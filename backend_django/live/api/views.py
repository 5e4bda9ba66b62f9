"""The event stream: who may open one, and what the API schema says of it."""

from typing import Any

from django.conf import settings
from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema
from rest_framework import serializers
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.permissions import IsAuthenticated
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from backend_django.api.throttling import AddressThrottle, StreamThrottle
from backend_django.users.credentials import credential_of
from backend_django.utils.errors import NotFound

from ..hub import Reset
from ..topics import all_topics
from .responses import EventStreamResponse


class StreamStateSerializer(serializers.Serializer[Any]):
    """The state of the stream: are changes told as they happen?"""

    live = serializers.BooleanField(
        help_text="False while the server cannot know of changes: ask for what you want to know."
    )


class StreamResetSerializer(serializers.Serializer[Any]):
    """More has changed than is told: read anew what you know."""

    reason = serializers.ChoiceField(
        choices=Reset.choices,
        help_text="Many changes at once; those after Last-Event-ID are not known any more; or the "
        "server did not know of changes for a while.",
    )


def event_serializers() -> dict[str, type[serializers.Serializer]]:
    """Return, by the name of an event, the serializer of its data."""
    events: dict[str, Any] = {
        "stream.state": StreamStateSerializer,
        "stream.reset": StreamResetSerializer,
    }
    for topic in all_topics():
        events |= {name: serializer() for name, serializer in topic.events.items()}
    return events


class AnyNegotiation(BaseContentNegotiation):
    """Events, whatever is accepted; errors are problem documents."""

    def select_renderer(self, request: Any, renderers: Any, format_suffix: Any = None) -> Any:
        return renderers[0], renderers[0].media_type


class EventStreamView(APIView):
    """The event stream: changes, as they happen."""

    schema_tag = "events"
    schema_action = "stream"
    permission_classes = [IsAuthenticated]
    throttle_classes = [StreamThrottle, AddressThrottle]
    renderer_classes = [JSONRenderer]
    content_negotiation_class = AnyNegotiation

    @extend_schema(
        responses={
            (200, "text/event-stream"): PolymorphicProxySerializer(
                component_name="StreamEvent",
                serializers=lambda: list(dict.fromkeys(event_serializers().values())),
                resource_type_field_name=None,
            )
        }
    )
    def get(self, request: Request) -> EventStreamResponse:
        """Server-sent events: what has changed of what the caller may see, until they hang up.

        The data of each event is as the rest of the API has it, at that moment. A client that comes
        back with `Last-Event-ID` is told what it has missed, or `stream.reset` when that is not
        known any more. `stream.state` comes first, and at least four times a minute.
        """
        if not settings.LIVE_EVENTS:
            raise NotFound("There are no event streams here. Ask for what you want to know.")
        credential = credential_of(
            user=request.user,  # type: ignore[arg-type]
            token=request.auth,
            request=request._request,
        )
        last_event_id = request.headers.get("Last-Event-ID", "")
        return EventStreamResponse(
            credential.user_id, lambda hub: hub.stream(credential, last_event_id)
        )
