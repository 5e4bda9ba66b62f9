"""Query parameters: declared once, on the view, for the document and for the check."""

from typing import Any

from django.http import HttpRequest
from rest_framework import serializers
from rest_framework.request import Request


def accepted_parameters(view: type[Any], method: str) -> list[str]:
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
    names = view.query_serializer().fields
    given = {name: value for name, value in request.query_params.items() if name in names}
    serializer = view.query_serializer(data=given)
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


def unknown_parameters(request: HttpRequest, view: Any) -> dict[str, Any]:
    """Return an error for each parameter that the view of an endpoint does not read.

    A misspelt filter that is ignored in silence shows everything, which looks like an answer.
    """
    cls = getattr(view, "cls", None)
    if cls is None or not request.GET or not hasattr(cls, (request.method or "").lower()):
        return {}
    known = accepted_parameters(cls, request.method or "GET")
    names = ", ".join(known) or "none"
    return {
        name: serializers.ErrorDetail(
            f"There is no such parameter. Known: {names}.", "unknown_parameter"
        )
        for name in request.GET
        if name not in known
    }
