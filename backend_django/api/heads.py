"""Decide by its head whether a request may send a large body, and how large (decision 25)."""

from http import HTTPStatus
from typing import Any, Protocol, runtime_checkable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.views import APIView

from .parsers import JSONParser

ASKED = "app.may_send"  # in the environment of such a question: the length that is announced
MOST = "X-Most-Bytes"  # in its answer, when it is less than what the server takes


@runtime_checkable
class LimitsBody(Protocol):
    """A view that takes files and knows by the head of a call how much it will take."""

    def body_limit(self, length: int, *args: Any, **kwargs: Any) -> int:
        """Return the most bytes that the body may have, or raise why it will not be taken.

        Args:
            length: what is announced; 0: nothing is.
            args, kwargs: of the address, as those of `get`.
        """


def check_head(
    request: HttpRequest, view: Any, args: Any, kwargs: dict[str, Any]
) -> HttpResponseBase:
    """Return what the view responds to a caller who may not call it, or else 100 (Continue).

    Only views that have a parser for files take more than Django reads into memory.
    """
    view_class = getattr(view, "cls", None)
    if view_class is None or not issubclass(view_class, APIView):
        return _go_on(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
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
        if isinstance(instance, LimitsBody):
            return _go_on(instance.body_limit(request.META[ASKED], *args, **kwargs))
    except Exception as error:
        response = instance.handle_exception(error)
        return instance.finalize_response(called, response, *args, **kwargs).render()
    takes_files = not all(issubclass(parser, JSONParser) for parser in instance.parser_classes)
    return _go_on(None if takes_files else settings.DATA_UPLOAD_MAX_MEMORY_SIZE)


def _go_on(most: int | None) -> HttpResponse:
    limit = {} if most is None else {MOST: str(most)}
    return HttpResponse(status=HTTPStatus.CONTINUE, headers=limit)
