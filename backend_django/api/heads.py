"""Decide by its head whether a request may send a large body, and how large (decision 25)."""

from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.views import APIView

from .parsers import JSONParser

ASKED = "app.may_send"  # in the environment of such a question
MOST = "X-Most-Bytes"  # in its answer, when it is less than what the server takes


def check_head(
    request: HttpRequest, view: Any, args: Any, kwargs: dict[str, Any]
) -> HttpResponseBase:
    """Return what the view responds to a caller who may not call it, or else 100 (Continue).

    Only views that have a parser for files take more than Django reads into memory.
    """
    view_class = getattr(view, "cls", None)
    if view_class is None or not issubclass(view_class, APIView):
        return _go_on(takes_files=False)
    instance: APIView = view_class(**view.initkwargs)
    instance.setup(request, *args, **kwargs)
    called = instance.initialize_request(request, *args, **kwargs)
    instance.request = called
    instance.headers = instance.default_response_headers
    try:
        instance.perform_authentication(called)
        instance.check_permissions(called)
        if str(request.method) not in instance.allowed_methods:
            raise MethodNotAllowed(str(request.method))
    except Exception as error:
        response = instance.handle_exception(error)
        return instance.finalize_response(called, response, *args, **kwargs).render()
    parsers = instance.parser_classes
    return _go_on(takes_files=not all(issubclass(parser, JSONParser) for parser in parsers))


def _go_on(*, takes_files: bool) -> HttpResponse:
    limit = {} if takes_files else {MOST: str(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)}
    return HttpResponse(status=HTTPStatus.CONTINUE, headers=limit)
