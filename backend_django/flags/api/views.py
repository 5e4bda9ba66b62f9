"""The flags that are on, for a page or a script."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from backend_django.policies import ActsForOwner

from ..models import Flag


class ActiveFlagsSerializer(serializers.Serializer[Any]):
    active = serializers.ListField(
        child=serializers.CharField(), help_text="Names. A flag that is not here is off."
    )


class ActiveFlagsView(ActsForOwner, APIView):
    schema_action = "active"

    @extend_schema(responses=ActiveFlagsSerializer)
    def get(self, request: Request) -> Response:
        """The feature flags that are on for the caller and the account they act for."""
        return Response({"active": Flag.active_for(request.user, self.owner)})
