"""Errors as problem documents (RFC 9457), whoever raised them."""

import logging
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.serializers import as_serializer_error
from rest_framework.views import exception_handler as drf_exception_handler

from backend_django.utils.request_id import request_id

CONTENT_TYPE = "application/problem+json"
logger = logging.getLogger(__name__)


class Conflict(exceptions.APIException):
    """409: the thing is there, but not in a state that allows this."""

    status_code = status.HTTP_409_CONFLICT
    default_code = "conflict"
    default_detail = "This is not possible in the present state."


class PayloadTooLarge(exceptions.APIException):
    """413: the upload is larger than this endpoint takes."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "too_large"
    default_detail = "The upload is too large."


class InsufficientStorage(exceptions.APIException):
    """507: the disk is full."""

    status_code = status.HTTP_507_INSUFFICIENT_STORAGE
    default_code = "disk_full"
    default_detail = "The server has not enough disk space for this. Try again later."


class StorageUnavailable(exceptions.APIException):
    """503: where uploads are kept does not answer."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code = "storage_unavailable"
    default_detail = "The upload could not be stored. Try again in a moment."


def problem(
    status_code: int, code: str, detail: str, errors: list[dict[str, str]] | None = None
) -> dict[str, Any]:
    """Return the members of a problem document; `errors` names single fields of the input."""
    document = {
        "type": "about:blank",
        "title": HTTPStatus(status_code).phrase,
        "status": status_code,
        "code": code,
        "detail": detail,
        "request_id": request_id.get(),
    }
    return document | ({"errors": errors} if errors else {})


def problem_response(status_code: int, code: str, detail: str) -> JsonResponse:
    """Return a problem document from outside Django REST framework."""
    return JsonResponse(
        problem(status_code, code, detail), status=status_code, content_type=CONTENT_TYPE
    )


def _field_errors(detail: Any, path: str = "") -> Iterator[dict[str, str]]:
    if isinstance(detail, dict):
        for key, value in detail.items():
            yield from _field_errors(value, f"{path}.{key}" if path else str(key))
    elif isinstance(detail, list):
        for index, value in enumerate(detail):
            nested = isinstance(value, (dict, list))
            yield from _field_errors(value, f"{path}.{index}" if nested else path)
    else:
        yield {
            "field": path or "non_field_errors",
            "code": getattr(detail, "code", "invalid"),
            "message": str(detail),
        }


def exception_handler(exc: Exception, context: dict[str, Any]) -> Response | None:
    """Turn what a view raised into a problem document; unknown exceptions stay Django's (500)."""
    if isinstance(exc, Http404):
        exc = exceptions.NotFound("There is nothing at this address.")
    elif isinstance(exc, PermissionDenied):
        exc = exceptions.PermissionDenied()
    response = drf_exception_handler(exc, context)
    if response is None or not isinstance(exc, exceptions.APIException):
        return response
    if isinstance(exc, exceptions.ValidationError):
        errors = list(_field_errors(as_serializer_error(exc)))
        first = errors[0] if errors else {"code": "invalid", "message": "The input is not valid."}
        general = next((e for e in errors if e["field"] == "non_field_errors"), None)
        code = general["code"] if general else "invalid"
        detail = general["message"] if general else f"{first.get('field')}: {first['message']}"
        response.data = problem(response.status_code, code, detail, errors)
    else:
        codes = exc.get_codes()
        code = codes if isinstance(codes, str) else exc.default_code
        response.data = problem(response.status_code, code, str(exc.detail))
    response.content_type = CONTENT_TYPE
    return response


# Django's own error views. Only /api/ speaks JSON; elsewhere a person reads a page.


def _wants_json(request: HttpRequest) -> bool:
    return request.path == "/api" or request.path.startswith("/api/")


def _plain(status_code: int, sentence: str) -> HttpResponse:
    return HttpResponse(
        f"{sentence}\n", status=status_code, content_type="text/plain; charset=utf-8"
    )


def _answer(request: HttpRequest, status_code: int, code: str, sentence: str) -> HttpResponse:
    if _wants_json(request):
        return problem_response(status_code, code, sentence)
    return _plain(status_code, sentence)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _answer(request, 400, "bad_request", "The request could not be understood.")


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _answer(request, 403, "permission_denied", "You may not do this.")


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _answer(request, 404, "not_found", "There is nothing at this address.")


def server_error(request: HttpRequest) -> HttpResponse:
    sentence = f"Something went wrong on our side. Quote {request_id.get()} when you report it."
    return _answer(request, 500, "server_error", sentence)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    logger.warning("CSRF check failed for %s: %s", request.path, reason)
    return _answer(request, 403, "csrf_failed", "The page is out of date. Reload it and try again.")
