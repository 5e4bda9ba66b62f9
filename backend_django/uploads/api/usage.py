"""What a user has used of what they may use."""

from typing import Any, cast

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from backend_django.users.models import User

from ..quota import usage_of


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


class UsageView(APIView):
    schema_action = "get"

    @extend_schema(responses=UsageSerializer)
    def get(self, request: Request) -> Response:
        """How much the caller has used today, and may use."""
        return Response(UsageSerializer(usage_of(cast(User, request.user))).data)
