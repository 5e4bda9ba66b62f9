"""Requests of all kinds: lists, counts and tables. Always of what the caller may see."""

import csv
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from django.urls import URLPattern, re_path
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from backend_django.api.queries import read_query
from backend_django.policies import ActsForOwner
from backend_django.utils.database_wait import statement_limit

from ..models import ProcessingRequest
from ..queries import count_by_status, filter_requests, in_batches, requests_of, requests_visible_to
from .lists import (
    AnyKindFilter,
    AnyKindListQuery,
    AnyKindRequestSerializer,
    RequestCountsSerializer,
    list_response,
)
from .views import find_request

CSV_COLUMNS = [
    "id", "kind", "name", "status", "created_at", "started_at", "finished_at", "attempt",
    "error_code", "error_message", "input_name", "input_size",
]  # fmt: skip
CSV_BATCH = 500
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # how a cell begins that a spreadsheet would compute


class RequestsView(ActsForOwner, GenericAPIView[ProcessingRequest]):
    """Base: the caller's own requests, of all kinds."""

    schema_tag = "requests"
    permission_classes = [IsAuthenticated]
    serializer_class: Any = AnyKindRequestSerializer
    queryset = ProcessingRequest.objects.none()  # for the type of <id> in the document

    def get_queryset(self) -> QuerySet[ProcessingRequest]:
        return requests_of(self.owner)

    def get_request(self, id: UUID) -> ProcessingRequest:
        return find_request(self, requests_visible_to(self.request.user), id)


class RequestListView(RequestsView):
    schema_action = "list"
    is_list = True
    query_serializer = AnyKindListQuery

    @extend_schema(responses=AnyKindRequestSerializer(many=True))
    def get(self, request: Request) -> Response:
        """The caller's requests of all kinds, or of one, newest first unless told otherwise."""
        return list_response(self, request, self.get_queryset(), tell_kind=True)


class RequestCountsView(RequestsView):
    schema_action = "status_counts"
    pagination_class = None
    query_serializer = AnyKindFilter
    serializer_class = RequestCountsSerializer

    def get(self, request: Request) -> Response:
        """Count requests by status, of those that the list would have."""
        rows = filter_requests(self.get_queryset(), read_query(self, request))
        return Response({"status": count_by_status(rows)})


class CsvQuery(AnyKindListQuery):
    act_for = serializers.CharField(
        required=False, max_length=36, help_text="The header `X-Act-For`, for links have none."
    )


class RequestCsvView(RequestsView):
    schema_action = "csv"
    pagination_class = None
    query_serializer = CsvQuery
    problems = {404: "There is no such account to act for"}

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        return super().perform_content_negotiation(request, force=True)  # a table is no JSON

    @extend_schema(responses={(200, "text/csv"): OpenApiTypes.BINARY})
    def get(self, request: Request) -> StreamingHttpResponse:
        """All requests that a list would have, as a table for spreadsheets."""
        query = read_query(self, request)
        rows = filter_requests(self.get_queryset(), query)
        name = f"requests-{timezone.localdate():%Y-%m-%d}.csv"
        return StreamingHttpResponse(
            csv_lines(rows, query["ordering"]),
            content_type="text/csv; charset=utf-8",
            headers={
                "Content-Disposition": f'attachment; filename="{name}"',
                "Cache-Control": "private, no-store",
            },
        )


class _Line:
    """A writer for the csv module that gives the line back."""

    def write(self, line: str) -> str:
        return line


def csv_lines(rows: QuerySet[ProcessingRequest], ordering: str) -> Iterator[str]:
    """Give a table of the rows, some hundred lines at a time."""
    writer = csv.writer(_Line())
    # With a byte order mark, or spreadsheets take it for the encoding of their country.
    yield "\ufeff" + writer.writerow(CSV_COLUMNS)
    batches = in_batches(rows.only(*CSV_COLUMNS), ordering, CSV_BATCH)
    while batch := _next_batch(batches):
        yield "".join(writer.writerow(map(_cell, _values(row))) for row in batch)


def _next_batch(batches: Iterator[list[ProcessingRequest]]) -> list[ProcessingRequest]:
    with statement_limit(settings.DATABASE_REQUEST_SECONDS):  # the request's own budget is over
        return next(batches, [])


def _values(row: ProcessingRequest) -> Iterator[Any]:
    for column in CSV_COLUMNS:
        value = getattr(row, column)
        yield value.isoformat(timespec="seconds") if isinstance(value, datetime) else value


def _cell(value: Any) -> Any:
    """Return a value that no spreadsheet takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def list_urls() -> list[URLPattern]:
    """Return the addresses of what is read of all requests."""
    reading = transaction.non_atomic_requests
    return [
        re_path(r"^list/?$", reading(RequestListView.as_view())),
        re_path(r"^status-counts/?$", reading(RequestCountsView.as_view())),
        re_path(r"^csv/?$", reading(RequestCsvView.as_view())),
    ]
