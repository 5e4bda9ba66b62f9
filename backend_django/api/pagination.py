"""Pages of a list: `?page=` from 1, `?page_size=` from 1 to 100."""

from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from rest_framework import pagination
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response


def positive_int(request: Request, name: str, default: int, maximum: int) -> int:
    """Read a query parameter strictly: what is not a number from 1 to `maximum` is a 400."""
    text = request.query_params.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and 1 <= int(text) <= maximum):
        raise ValidationError(
            {name: _("Must be a whole number from 1 to %(maximum)s.") % {"maximum": maximum}}
        )
    return int(text)


class PageNumberPagination(pagination.PageNumberPagination):
    """`{"count", "page", "page_size", "pages", "results"}`; a page past the end is empty."""

    page_size = 20
    max_page_size = 100
    max_page = 1_000_000
    page_size_query_param = "page_size"
    count_limit: int | None = None  # a view may set it for rows that are slow to count

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        self.number = positive_int(request, "page", 1, self.max_page)
        self.size = positive_int(request, "page_size", self.page_size, self.max_page_size)
        self.paginator = Paginator(queryset, self.size)
        if self.number == 1:
            first = list(queryset[: self.size])
            if len(first) < self.size:
                self.paginator.count = len(first)  # nothing is left to count
                return first
        if self.count_limit:
            self.paginator.count = queryset.order_by()[: self.count_limit].count()
        if self.number == 1:
            return first
        start = (self.number - 1) * self.size
        rest = self.paginator.count - start
        from_its_end = isinstance(queryset, QuerySet) and queryset.ordered and not self.count_limit
        if rest > start or not from_its_end:
            return list(queryset[start : start + self.size])
        # The second half is read from its end: the database would pass over all rows before.
        return list(queryset.reverse()[max(0, rest - self.size) : max(0, rest)])[::-1]

    def get_paginated_response(self, data: Any) -> Response:
        return Response(
            {
                "count": self.paginator.count,
                "page": self.number,
                "page_size": self.size,
                "pages": self.paginator.num_pages,
                "results": data,
            }
        )

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        def integer(minimum: int) -> dict[str, Any]:
            return {"type": "integer", "minimum": minimum}

        return {
            "type": "object",
            "required": ["count", "page", "page_size", "pages", "results"],
            "properties": {
                "count": integer(0),
                "page": integer(1),
                "page_size": integer(1),
                "pages": integer(1),
                "results": schema,
            },
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        def parameter(name: str, default: int, maximum: int) -> dict[str, Any]:
            return {
                "name": name,
                "in": "query",
                "required": False,
                "schema": {
                    "type": "integer",
                    "minimum": 1,
                    "maximum": maximum,
                    "default": default,
                },
            }

        return [
            parameter("page", 1, self.max_page),
            parameter("page_size", self.page_size, self.max_page_size),
        ]
