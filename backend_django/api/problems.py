"""Errors as problem documents (RFC 9457), whoever raised them."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import InterfaceError, OperationalError, connection
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop
from kombu.exceptions import OperationalError as BrokerError
from redis.exceptions import RedisError
from rest_framework import exceptions
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import as_serializer_error

from backend_django.utils import errors
from backend_django.utils.trace_id import trace_id
from backend_django.utils.translation import translate

CONTENT_TYPE = "application/problem+json"
# The titles: what HTTP calls them.
TITLES = [
    gettext_noop("Bad Request"),
    gettext_noop("Unauthorized"),
    gettext_noop("Forbidden"),
    gettext_noop("Not Found"),
    gettext_noop("Method Not Allowed"),
    gettext_noop("Not Acceptable"),
    gettext_noop("Conflict"),
    gettext_noop("Gone"),
    gettext_noop("Precondition Failed"),
    gettext_noop("Unsupported Media Type"),
    gettext_noop("Too Many Requests"),
    gettext_noop("Internal Server Error"),
    gettext_noop("Bad Gateway"),
    gettext_noop("Service Unavailable"),
    gettext_noop("Gateway Timeout"),
    gettext_noop("Insufficient Storage"),
]
RETRY_AFTER_SECONDS = 3  # longer than a server that is away is not asked again

# What a server that is away raises, wherever it is asked from.
AWAY: list[tuple[tuple[type[Exception], ...], str, Any]] = [
    (
        (OperationalError, InterfaceError),
        "database_unavailable",
        gettext_lazy("The database is not responding. Try again in a few seconds."),
    ),
    (
        (BrokerError, RedisError),
        "broker_unavailable",
        gettext_lazy("The message broker is not responding. Try again in a few seconds."),
    ),
]
logger = logging.getLogger(__name__)


# The most particular class of an error that is named here says its status.
STATUS_OF: dict[type[errors.DomainError], int] = {
    errors.DomainError: 400,
    errors.NotFound: 404,
    errors.FileGone: 404,
    errors.Denied: 403,
    errors.Conflict: 409,
    errors.TooLarge: 413,
    errors.LimitReached: 429,
    errors.ServiceError: 502,
    errors.AddressRefused: 400,
    errors.StorageUnavailable: 503,
    errors.StorageFull: 507,
}


def status_of(error: errors.DomainError) -> int:
    """Return the HTTP status of an error of the domain."""
    return next(STATUS_OF[kind] for kind in type(error).__mro__ if kind in STATUS_OF)


def _as_api_exception(error: errors.DomainError) -> exceptions.APIException:
    if isinstance(error, errors.Invalid):
        fields = {name: translate(text) for name, text in (error.fields or {}).items()}
        return exceptions.ValidationError(fields or translate(error.message), error.code)
    if isinstance(error, errors.LimitReached):
        exc: exceptions.APIException = exceptions.Throttled(wait=error.retry_after)
        exc.detail = exceptions.ErrorDetail(translate(error.message), error.code)
        return exc
    exc = exceptions.APIException(translate(error.message), error.code)
    exc.status_code = status_of(error)
    return exc


def problem(
    status_code: int, code: str, detail: Any, fields: list[dict[str, str]] | None = None
) -> dict[str, Any]:
    """Return the members of a problem document; `fields` are the errors of single fields."""
    document = {
        "type": "about:blank",
        "title": _(HTTPStatus(status_code).phrase),
        "status": status_code,
        "code": code,
        "detail": translate(detail) if isinstance(detail, str) else str(detail),
        "trace_id": trace_id.get(),
        "request_id": trace_id.get(),  # its name until 0.1; gone with the next version
    }
    return document | ({"errors": fields} if fields else {})


def problem_response(status_code: int, code: str, detail: Any) -> JsonResponse:
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


@contextmanager
def _others_transaction_spared(request: Request) -> Iterator[None]:
    """Django REST framework has whatever transaction is open undone. A view outside the request's
    transaction has none of its own, so the one that is open, a test's for instance, is another's.
    """
    match = request._request.resolver_match
    outside = "default" in getattr(getattr(match, "func", None), "_non_atomic_requests", ())
    spared = outside and connection.in_atomic_block and not connection.needs_rollback
    yield
    if spared:
        connection.set_rollback(False)


def _validation(status_code: int, detail: Any) -> dict[str, Any]:
    fields = list(_field_errors(detail))
    first = fields[0] if fields else {"code": "invalid", "message": _("The input is not valid.")}
    general = next((e for e in fields if e["field"] == "non_field_errors"), None)
    code = general["code"] if general else "invalid"
    sentence = general["message"] if general else f"{first.get('field')}: {first['message']}"
    return problem(status_code, code, sentence, fields)


def validation_problem(fields: dict[str, Any]) -> JsonResponse:
    """Return the answer to input with errors, `{field: message}`, from outside a view."""
    return JsonResponse(_validation(400, fields), status=400, content_type=CONTENT_TYPE)


def exception_handler(exc: Exception, context: dict[str, Any]) -> Response | None:
    """Turn what a view raised into a problem document; unknown exceptions stay Django's (500)."""
    from rest_framework.views import exception_handler as drf_exception_handler  # reads settings

    if isinstance(exc, Http404):
        exc = exceptions.NotFound(_("There is nothing at this address."))
    elif isinstance(exc, PermissionDenied):
        exc = exceptions.PermissionDenied()
    elif isinstance(exc, errors.DomainError):
        exc = _as_api_exception(exc)
    elif isinstance(exc, exceptions.Throttled) and (wait := getattr(exc, "wait", None)):
        exc = _as_api_exception(errors.LimitReached(retry_after=wait))
    with _others_transaction_spared(context["request"]):
        response = drf_exception_handler(exc, context)
    if response is None or not isinstance(exc, exceptions.APIException):
        return response
    if isinstance(exc, exceptions.ValidationError):
        response.data = _validation(response.status_code, as_serializer_error(exc))
    else:
        codes = exc.get_codes()
        code = codes if isinstance(codes, str) else exc.default_code
        response.data = problem(response.status_code, code, translate(str(exc.detail)))
    response.content_type = CONTENT_TYPE
    # Whatever the view renders its responses with: this is what the content type says.
    request: Any = context["request"]
    request.accepted_renderer, request.accepted_media_type = JSONRenderer(), "application/json"
    return response


def describe_error(error: BaseException | None) -> tuple[int, str, Any]:
    """Return status, code and sentence of what nothing else has answered: of the domain's errors,
    503 when a server is away, else 500.
    """
    if isinstance(error, errors.DomainError):
        return status_of(error), error.code, translate(error.message)
    for kinds, code, sentence in AWAY:
        if isinstance(error, kinds):
            return 503, code, sentence
    sentence = _(
        "Something went wrong on our side. Contact support with reference %(reference)s."
    ) % {"reference": trace_id.get()}
    return 500, "server_error", sentence


# Django's own error views. Only /api/ speaks JSON; elsewhere a person reads a page.


def is_api(request: HttpRequest) -> bool:
    """Return whether programs are spoken to at this address."""
    path = request.path_info
    return path in {"/api", "/events", "/events/"} or path.startswith("/api/")


def _plain(status_code: int, sentence: Any) -> HttpResponse:
    return HttpResponse(
        f"{sentence}\n", status=status_code, content_type="text/plain; charset=utf-8"
    )


def _answer(request: HttpRequest, status_code: int, code: str, sentence: Any) -> HttpResponse:
    if is_api(request):
        return problem_response(status_code, code, sentence)
    answer = _plain(status_code, sentence)
    if status_code == 503:
        answer["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return answer


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if isinstance(exception, RequestDataTooBig):
        return _answer(request, 413, "too_large", _("The body of the request is too large."))
    return _answer(request, 400, "bad_request", _("The request could not be understood."))


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _answer(request, 403, "permission_denied", _("You may not do this."))


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _answer(request, 404, "not_found", _("There is nothing at this address."))


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer what a view or a middleware raised: 503 when a server is away, else 500."""
    return _answer(request, *describe_error(sys.exc_info()[1]))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    logger.warning("CSRF check failed for %s: %s", request.path, reason)
    return _answer(
        request, 403, "csrf_failed", _("The page is out of date. Reload it and try again.")
    )
