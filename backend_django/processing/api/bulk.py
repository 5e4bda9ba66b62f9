"""Actions on many requests at once, of all kinds. Always of what the caller may see."""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from django.urls import URLPattern, re_path
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from backend_django.api.urls import ID
from backend_django.policies import Action
from backend_django.utils.translation import translate

from .. import archives, bulk
from ..models import ProcessingRequest
from ..queries import filter_requests
from .lists import AnyKindFilter
from .requests import RequestsView
from .views import NO_SUCH_REQUEST


class IdField(serializers.UUIDField):
    """An id as it is given out."""

    def to_internal_value(self, data: Any) -> UUID:
        if not isinstance(data, str) or len(data) != 36:
            raise serializers.ValidationError(_("Must be an id in a string."))
        found: UUID = super().to_internal_value(data)
        return found


class SelectionSerializer(serializers.Serializer[Any]):
    """The requests that are meant: by their ids, or by conditions. One of the two."""

    ids = serializers.ListField(
        child=IdField(), min_length=1, max_length=bulk.LIMIT, required=False
    )
    filter = AnyKindFilter(required=False, help_text="At least one condition.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("ids" in attrs) == ("filter" in attrs):
            raise serializers.ValidationError(_("Send either ids or a filter."))
        if "filter" in attrs and not any(attrs["filter"].values()):
            raise serializers.ValidationError(
                {"filter": _("Give at least one condition, such as a kind.")}
            )
        return attrs


class RefusalSerializer(serializers.Serializer[Any]):
    """The reasons why some requests were left unchanged."""

    code = serializers.CharField()
    message = serializers.SerializerMethodField()
    count = serializers.IntegerField(min_value=1)
    ids = serializers.ListField(child=serializers.UUIDField(), help_text="The first thousand.")

    def get_message(self, refusal: bulk.Refusal) -> str:
        return translate(refusal.message)


class OutcomeSerializer(serializers.Serializer[Any]):
    """The outcome of an action on many requests."""

    done = serializers.IntegerField(min_value=0)
    unchanged = serializers.IntegerField(
        min_value=0, help_text="They were in the wanted state already."
    )
    remaining = serializers.IntegerField(
        min_value=0, help_text="They would be too many for one call. Send it again."
    )
    refused = RefusalSerializer(many=True)


class ArchiveSerializer(OutcomeSerializer):
    """The contents of an archive, and its URL."""

    url = serializers.CharField(
        allow_null=True, help_text="Path to GET within ten minutes; null when it would be empty."
    )


class SelectionView(RequestsView):
    """Base: something with the requests that the body names."""

    pagination_class = None
    serializer_class = SelectionSerializer

    def select(self, request: Request) -> tuple[QuerySet[ProcessingRequest], list[UUID]]:
        """Return the rows that are meant, and the ids that the caller has no requests of."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        wanted = serializer.validated_data
        if "filter" in wanted:
            return filter_requests(self.get_queryset(), wanted["filter"]), []
        rows = self.get_queryset().filter(id__in=wanted["ids"])
        known = set(rows.values_list("id", flat=True))
        return rows, [wish for wish in dict.fromkeys(wanted["ids"]) if wish not in known]


class ActionView(SelectionView):
    change: bulk.Action = bulk.CANCEL

    @property
    def schema_action(self) -> str:
        return self.change.name

    @property
    def schema_summary(self) -> str:
        return f"{self.change.name.capitalize()} many requests"

    @extend_schema(responses=OutcomeSerializer)
    def post(self, request: Request) -> Response:
        """Cancel, retry or delete many requests, and say of which it was not possible and why.

        Of a selection by ids, or by the conditions that a list takes. As many as can be done in two
        seconds; while `remaining` is not 0 and something was done, send the same again.
        """
        rows, missing = self.select(request)
        outcome = bulk.requests_change(rows=rows, action=self.change)
        if self.change is bulk.DELETE:
            outcome.unchanged += len(missing)  # what is not there is deleted
        elif missing:
            outcome.refuse("not_found", NO_SUCH_REQUEST, missing)
        return Response(OutcomeSerializer(outcome).data)


class ArchiveCreateView(SelectionView):
    change_action = Action.VIEW
    schema_action = "download"

    @extend_schema(responses=ArchiveSerializer)
    def post(self, request: Request) -> Response:
        """Put the files of many results into one ZIP, which is made while it is downloaded.

        Of at most a thousand requests; `remaining` says how many more there are.
        """
        rows, missing = self.select(request)
        archive_id, outcome = archives.archive_create(user_id=request.user.pk, rows=rows)
        if missing:
            outcome.refuse("not_found", NO_SUCH_REQUEST, missing)
        url = archive_id and archives.archive_path(archive_id)
        return Response(OutcomeSerializer(outcome).data | {"url": url})


class ArchiveView(RequestsView):
    schema_action = "archive"
    pagination_class = None
    problems = {404: "It was not asked for, or more than ten minutes ago"}

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        return super().perform_content_negotiation(request, force=True)  # a ZIP is no JSON

    @extend_schema(responses={(200, "application/zip"): OpenApiTypes.BINARY})
    def get(self, request: Request, id: UUID) -> StreamingHttpResponse:
        """Download the ZIP. A file that could not be read is named in its NOT_COMPLETE.txt."""
        ids = archives.archive_find(user_id=request.user.pk, archive_id=UUID(str(id)))
        if ids is None:
            raise NotFound("There is no such download, or it was too long ago. Start a new one.")
        return zip_response(ids)


def zip_response(ids: list[UUID]) -> StreamingHttpResponse:
    """Answer with the files of these requests."""
    name = f"requests-{timezone.localdate():%Y-%m-%d}.zip"
    return StreamingHttpResponse(
        archives.archive_write(ids),
        content_type="application/zip",
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "private, no-store",
        },
    )


def bulk_urls() -> list[URLPattern]:
    """Return the addresses of the actions: no transaction is around all changes of a call."""

    def at(address: str, view: type[RequestsView], **options: Any) -> URLPattern:
        return re_path(address, transaction.non_atomic_requests(view.as_view(**options)))

    return [
        *(at(rf"^{a.name}/?$", ActionView, change=a) for a in bulk.ACTIONS.values()),
        at(r"^download/?$", ArchiveCreateView),
        at(rf"^download/{ID}/?$", ArchiveView),
    ]
