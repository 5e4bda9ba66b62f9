"""Programs of our own network ask by address, which ALLOWED_HOSTS cannot list."""

import re
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

INSIDE = "app.inside"  # in the environment of what came by a port that only our network reaches
PROBES = re.compile(r"/health/(live|ready)/?")


class ProbeHostMiddleware:
    """Answer probes whatever Host they name: what they are told does not depend on it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if INSIDE in request.META or PROBES.fullmatch(request.path_info):
            request.META["HTTP_HOST"] = "probe"
            request.get_host = lambda: "probe"  # type: ignore[method-assign]
        return self.get_response(request)
