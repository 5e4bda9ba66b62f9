"""Errors as problem documents: the shape, the codes and the sentences are Django's."""

import math
from typing import Any

from django.http import HttpResponse
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from rest_framework.exceptions import ErrorDetail, ParseError, ValidationError
from rest_framework.serializers import as_serializer_error
from starlette.exceptions import HTTPException
from starlette.responses import Response

from backend_django.api.middleware import SENTENCES
from backend_django.api.problems import (
    AWAY,
    RETRY_AFTER_SECONDS,
    describe_error,
    problem_response,
    validation_problem,
)
from backend_django.utils.errors import DomainError, Invalid, LimitReached
from backend_django.utils.translation import translate

AWAY_KINDS = tuple(kind for kinds, *_rest in AWAY for kind in kinds)


class ProblemError(Exception):
    """Refuse a call: status, code and sentence."""


def as_response(made: HttpResponse) -> Response:
    """Return a response of Django's as one of Starlette's."""
    response = Response(made.content, made.status_code)
    response.raw_headers = raw_headers(made)
    return response


def raw_headers(made: HttpResponse) -> list[tuple[bytes, bytes]]:
    """Return the headers of a response of Django's as ASGI has them, cookies among them."""
    headers = {"Content-Length": str(len(made.content)), **made.headers}
    cookies = [("Set-Cookie", morsel.OutputString()) for morsel in made.cookies.values()]
    return [
        (name.lower().encode("latin-1"), value.encode("latin-1"))
        for name, value in [*headers.items(), *cookies]
    ]


def respond(error: Exception) -> HttpResponse | None:
    """Return the problem document of an error that has one."""
    if isinstance(error, ProblemError):
        return problem_response(*error.args)
    if isinstance(error, ValidationError):
        return validation_problem(as_serializer_error(error))
    if isinstance(error, Invalid) and error.fields:
        return validation_problem({
            name: ErrorDetail(translate(text), error.code) for name, text in error.fields.items()
        })  # fmt: skip
    if not isinstance(error, (DomainError, *AWAY_KINDS)):
        return None
    made = problem_response(*describe_error(error))
    if isinstance(error, AWAY_KINDS):
        made["Retry-After"] = str(RETRY_AFTER_SECONDS)
    elif isinstance(error, LimitReached) and error.retry_after:
        made["Retry-After"] = str(math.ceil(error.retry_after))
    return made


def of_input(error: RequestValidationError) -> HttpResponse:
    """Return the problem document of a body or parameter that is not as the document says."""
    fields: dict[str, Any] = {}
    for one in error.errors():
        if one["loc"][0] == "path":  # Django's addresses match no other form
            return problem_response(404, *SENTENCES[404])
        if one["type"] == "json_invalid":
            return problem_response(400, ParseError.default_code, str(ParseError.default_detail))
        names = [str(part) for part in one["loc"][1:]]
        message = ErrorDetail(one["msg"], "required" if one["type"] == "missing" else "invalid")
        fields[".".join(names) or "non_field_errors"] = [message]
    return validation_problem(fields)


def of_http(error: HTTPException) -> HttpResponse:
    """Return the problem document of what the router refuses."""
    code, sentence = SENTENCES.get(error.status_code, SENTENCES[400])
    made = problem_response(error.status_code, code, sentence)
    for name, value in (error.headers or {}).items():
        made[name] = value
    return made


def server_error() -> HttpResponse:
    """Return what is said of a fault of ours."""
    return problem_response(*describe_error(None))


def add_handlers(app: FastAPI) -> None:
    """Have an application answer errors as Django does."""

    async def any_error(request: Request, error: Exception) -> Response:
        if isinstance(error, RequestValidationError):
            return as_response(of_input(error))
        if isinstance(error, HTTPException):
            return as_response(of_http(error))
        if (made := respond(error)) is not None:
            return as_response(made)
        return as_response(server_error())

    for kind in (
        RequestValidationError, HTTPException, ProblemError, ValidationError, DomainError,
        *AWAY_KINDS, Exception,
    ):  # fmt: skip
        app.add_exception_handler(kind, any_error)
