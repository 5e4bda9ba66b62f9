"""Serializers of lists of requests, and of actions on many of them."""

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.fields import empty
from rest_framework.request import Request
from rest_framework.response import Response

from backend_django.api.queries import SearchField, read_query
from backend_django.api.serializers import DateTimeField
from backend_django.api.strict import check_members

from ..models import ProcessingRequest
from ..queries import COUNTED, ORDERINGS, filter_requests
from ..registry import list_kinds
from .serializers import ProcessingRequestSerializer
from .state import COLUMNS, complete_state

STATUSES = "|".join(ProcessingRequest.Status.values)


@extend_schema_field({"type": "string", "pattern": f"^({STATUSES})(,({STATUSES}))*$"})
class StatusListField(serializers.CharField):
    """One status, or several with commas between them."""

    def to_internal_value(self, data: Any) -> Any:
        found = super().to_internal_value(data).split(",")
        if wrong := [status for status in found if status not in ProcessingRequest.Status.values]:
            raise serializers.ValidationError(
                _("There is no status “%(value)s”. Use %(values)s; several with commas.")
                % {"value": wrong[0], "values": ", ".join(ProcessingRequest.Status.values)},
                "invalid_choice",
            )
        return found


class ParameterField(serializers.RegexField):
    """`name:value` of a parameter, as its name and its value."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            r"^[^:\x00]{1,100}:[^\x00]{0,200}$",
            trim_whitespace=False,
            error_messages={"invalid": _("Must be name:value, such as compression:zstd.")},
            **options,
        )

    def run_validation(self, data: Any = empty) -> Any:
        name, _, value = super().run_validation(data).partition(":")
        return name, value


class RequestFilter(serializers.Serializer[Any]):
    """Conditions on requests; all of those given have to be met."""

    status = StatusListField(required=False, help_text="One, or several with commas: a,b.")
    search = SearchField()
    search.help_text = "Words of the name, or beginnings of them, in any order."
    error_code = serializers.RegexField(
        r"^[a-z0-9_]{1,50}$", required=False, help_text="Of failed requests."
    )
    batch = serializers.UUIDField(
        required=False, help_text="Those that one call of `batch/` has made."
    )
    parameter = ParameterField(required=False, help_text="`name:value`, exactly.")
    created_after = DateTimeField(required=False, help_text="That time, or later.")
    created_before = DateTimeField(required=False, help_text="Earlier than that time.")
    finished_after = DateTimeField(required=False, help_text="That time, or later.")
    finished_before = DateTimeField(required=False, help_text="Earlier than that time.")


class RequestListQuery(RequestFilter):
    """The query of a list, besides its pages.

    With `search` or `parameter`, what comes after the first ten thousand is not counted.
    """

    ordering = serializers.ChoiceField(choices=list(ORDERINGS), default="-created_at")


class KindField(serializers.CharField):
    """The name of a kind of request."""

    def __init__(self) -> None:
        super().__init__(required=False, max_length=50, help_text="As in the address of its list.")

    def run_validation(self, data: Any = empty) -> Any:
        kind = super().run_validation(data)
        if kind not in list_kinds():
            known = ", ".join(sorted(list_kinds()))
            raise serializers.ValidationError(
                _("There is no such kind. Use one of %(known)s.") % {"known": known}
            )
        return kind


class AnyKindFilter(RequestFilter):
    """Conditions on requests of all kinds, with the names and values of a list's query."""

    kind = KindField()

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            check_members(self, data)
        return super().to_internal_value(data)


class AnyKindListQuery(AnyKindFilter, RequestListQuery):
    """The query of the list of all kinds."""


class AnyKindRequestSerializer(ProcessingRequestSerializer):
    """A request's state, and its kind."""

    class Meta(ProcessingRequestSerializer.Meta):
        fields = ["kind", *ProcessingRequestSerializer.Meta.fields]
        read_only_fields = fields


class RequestCountsSerializer(serializers.Serializer[Any]):
    """The number of requests with each status."""

    status = serializers.DictField(
        child=serializers.IntegerField(min_value=0, max_value=COUNTED),
        help_text=f"Of each, {COUNTED} means that many or more.",
    )


def list_response(
    view: Any, request: Request, rows: QuerySet[ProcessingRequest], *, tell_kind: bool
) -> Response:
    """Answer with the page of the rows that a list's query asks for, as the serializer would."""
    query = read_query(view, request)
    if query.keys() & {"search", "parameter"}:
        view.paginator.count_limit = COUNTED
    found = filter_requests(rows, query).order_by(*ORDERINGS[query["ordering"]])
    page = view.paginate_queryset(found.values(*COLUMNS))
    states = [complete_state(row, tell_kind=tell_kind) for row in page]
    response: Response = view.get_paginated_response(states)
    return response
