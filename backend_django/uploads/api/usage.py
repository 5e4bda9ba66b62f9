"""A user's consumption and limits."""

from collections.abc import Sequence
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from backend_django.live.topics import topic
from backend_django.policies import ActsForOwner

from ..quota import TOPIC, usage_of


class UsageSerializer(serializers.Serializer[Any]):
    uploaded_bytes = serializers.IntegerField(min_value=0, help_text="Since midnight UTC.")
    daily_bytes = serializers.IntegerField(
        min_value=1, allow_null=True, help_text="Null when there is no limit."
    )
    cpu_seconds = serializers.FloatField(
        min_value=0, help_text="Processor time of the caller's jobs that ended since midnight UTC."
    )
    daily_cpu_seconds = serializers.IntegerField(
        min_value=1, allow_null=True, help_text="Null when there is no limit."
    )
    resets_at = serializers.DateTimeField(help_text="When the next day begins.")


@topic(TOPIC, changed=lambda: UsageSerializer)
def describe_usage(user_id: Any, _ids: Sequence[str]) -> list[tuple[str, Any]]:
    """Return what a user has used today, as the API has it."""
    return [("changed", UsageSerializer(usage_of(user_id)).data)]


class UsageView(ActsForOwner, APIView):
    schema_action = "get"

    @extend_schema(responses=UsageSerializer)
    def get(self, request: Request) -> Response:
        """Return today's consumption and limits of the caller."""
        return Response(UsageSerializer(usage_of(self.owner.pk)).data)
