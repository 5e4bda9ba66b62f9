"""Query parameters: declared once, on the view, for the document and for the check."""

import re
from collections.abc import Callable, Sequence
from functools import reduce
from operator import or_
from typing import Any, TypeVar

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from .strict import check_number

V = TypeVar("V", bound=Callable[..., Any])
EMPTY_BYTES = 100
EMPTY = re.compile(rb"\s*(\{\}|--[^\r\n]+--)\s*")  # as JSON, and as a form without a part


@extend_schema_field({"type": "string", "maxLength": 200, "pattern": r"^[^\u0000]+$"})
class SearchField(serializers.CharField):
    """A search in some text columns of a row."""

    def __init__(self) -> None:
        super().__init__(required=False, allow_blank=True, max_length=200)


class QueryBooleanField(serializers.BooleanField):
    """`true` or `false`, in a query."""

    TRUE_VALUES = {"true"}
    FALSE_VALUES = {"false"}


def list_parameters(view: type[Any], method: str) -> list[str]:
    """Return the names that a view reads from the query, by its `query_serializer`.

    A list also has those of its pages.
    """
    declared = getattr(view, "query_serializer", None)
    if method not in {"GET", "HEAD"}:
        return []
    names = list(declared().fields) if declared else []
    return names + (["page", "page_size"] if getattr(view, "is_list", False) else [])


def read_query(view: Any, request: Request) -> dict[str, Any]:
    """Return the values of a view's `query_serializer`; ValidationError when they are not good."""
    fields = view.query_serializer().fields
    given = {name: value for name, value in request.query_params.items() if name in fields}
    numbers = {name: check_number(fields[name], value) for name, value in given.items()}
    if errors := {name: error for name, error in numbers.items() if error}:
        raise ValidationError(errors)
    serializer = view.query_serializer(data=given)
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


def filter_rows(rows: QuerySet[Any], query: dict[str, Any], *, search: Sequence[str] = ()) -> Any:
    """Return the rows that a list's query asks for, in its order.

    Args:
        query: `ordering`, perhaps `search`, and the values that columns must have.
        search: columns of which one must contain what is searched for.
    """
    ordering, text = query["ordering"], query.get("search", "")
    columns = {name: query[name] for name in query.keys() - {"ordering", "search"}}
    if text:
        rows = rows.filter(reduce(or_, (Q(**{f"{name}__icontains": text}) for name in search)))
    # The id makes the order whole: a page must not repeat a row of the one before.
    return rows.filter(**columns).order_by(ordering, "-id" if ordering[0] == "-" else "id")


def reads(*names: str) -> Callable[[V], V]:
    """Declare what a plain view reads from the query. Goes before all other decorators."""

    def declare(view: V) -> V:
        view.query_parameters = names  # type: ignore[attr-defined]
        return view

    return declare


def takes_no_body(**schema: Any) -> Callable[[V], V]:
    """Declare that a POST reads no body, for the API schema and for the check.

    Args:
        schema: what else `extend_schema` is to know.
    """

    def declare(handler: V) -> V:
        handler.takes_no_body = True  # type: ignore[attr-defined]
        declared: V = extend_schema(request=None, **schema)(handler)
        return declared

    return declare


def find_body_error(request: HttpRequest, view: Any) -> dict[str, Any]:
    """Return an error when there is a body that the view does not read: it asks for something that
    would be left out in silence. An empty JSON object and an empty form ask for nothing.
    """
    method = (request.method or "").lower()
    handler = getattr(getattr(view, "cls", None), method, None)
    if handler is None or not (method == "delete" or hasattr(handler, "takes_no_body")):
        return {}
    length = int(request.META.get("CONTENT_LENGTH") or 0)
    if not length or (length < EMPTY_BYTES and EMPTY.fullmatch(request.body)):
        return {}
    message = _("This address takes no body. Leave it out.")
    return {"non_field_errors": serializers.ErrorDetail(message, "unexpected_body")}


def find_parameter_errors(request: HttpRequest, view: Any) -> dict[str, Any]:
    """Return an error for each parameter that the view does not read, or that is there twice.

    A misspelt filter that is ignored in silence shows everything, which looks like an answer; and
    of two values nobody knows which one is meant.
    """
    cls = getattr(view, "cls", None)
    method = "get" if request.method == "HEAD" else (request.method or "").lower()
    if not request.GET or (cls and not hasattr(cls, method)):
        return {}
    known = getattr(view, "query_parameters", None)
    if cls:
        known = list_parameters(cls, request.method or "GET")
    if known is None:
        return {}
    errors: dict[str, Any] = {}
    for name, values in request.GET.lists():
        if name not in known:
            errors[name] = serializers.ErrorDetail(
                _("There is no such parameter. Known: %(names)s.")
                % {"names": ", ".join(known) or _("none")},
                "unknown_parameter",
            )
        elif len(values) > 1:
            errors[name] = serializers.ErrorDetail(_("Was given more than once."), "repeated")
    return errors
