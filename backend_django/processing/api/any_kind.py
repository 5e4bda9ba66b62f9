"""One request of any kind, for those who know its id alone: links, and pages without a feature."""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.http import HttpResponse
from django.urls import URLPattern, re_path
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from backend_django.api.urls import ID

from .. import services
from .details import DetailsView
from .lists import AnyKindRequestSerializer
from .pipelines import AnyKindStepsView, StagesView
from .requests import RequestsView
from .serializers import ProcessingAttemptSerializer
from .state import state_json
from .views import state_response


class AnyKindStatusView(RequestsView):
    schema_action = "status"
    pagination_class = None

    @extend_schema(
        responses={200: AnyKindRequestSerializer, 304: OpenApiResponse(description="Unchanged")}
    )
    def get(self, request: Request, id: UUID) -> HttpResponse:
        """Return the progress and kind of a request of any kind."""
        return state_response(request, state_json(id=id, user_id=request.user.pk))


class AnyKindHistoryView(RequestsView):
    schema_action = "history"
    pagination_class = None

    @extend_schema(responses=ProcessingAttemptSerializer(many=True))
    def get(self, request: Request, id: UUID) -> Response:
        """Every try there was, first to last, and how each ended."""
        attempts = self.get_request(id).attempts.all()
        return Response(ProcessingAttemptSerializer(attempts, many=True).data)


class RenameSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=200, help_text="What to call it from now on.")


class RenameView(RequestsView):
    schema_action = "rename"
    pagination_class = None
    request_serializer_class = RenameSerializer

    @extend_schema(request=RenameSerializer, responses=AnyKindRequestSerializer)
    def patch(self, request: Request, id: UUID) -> HttpResponse:
        """Give a request another name. Its files keep theirs."""
        found = self.get_request(id)
        wanted = RenameSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        services.request_rename(request=found, name=wanted.validated_data["name"])
        return Response(AnyKindRequestSerializer(found).data)


def any_kind_urls() -> list[URLPattern]:
    """Return the addresses of one request, whatever its kind."""
    reading = transaction.non_atomic_requests
    return [
        re_path(
            rf"^status/{ID}/?$", reading(AnyKindStatusView.as_view()), name="any-request-status"
        ),
        re_path(rf"^history/{ID}/?$", reading(AnyKindHistoryView.as_view())),
        re_path(rf"^details/{ID}/?$", reading(DetailsView.as_view())),
        re_path(rf"^rename/{ID}/?$", RenameView.as_view()),
        re_path(rf"^stages/{ID}/?$", reading(StagesView.as_view())),
        re_path(rf"^steps/{ID}/?$", reading(AnyKindStepsView.as_view())),
    ]
