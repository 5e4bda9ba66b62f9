from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponse

OURS = {"STATIC_ROOT": "/static/vue/", "API_ROOT": "/api/v1/"}


class BasePathMiddleware:
    """Answer below BASE_PATH, whether the proxy in front has removed it or not."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        if not settings.BASE_PATH:
            raise MiddlewareNotUsed

    def __call__(self, request: HttpRequest) -> HttpResponse:
        base, path = settings.BASE_PATH, request.path_info
        if path == base or path.startswith(f"{base}/"):
            request.path_info = path.removeprefix(base) or "/"
            request.path = base + request.path_info
        return self.get_response(request)


class PageRootsMiddleware:
    """Answer under the paths that the page was told, also when no proxy leads them to ours.

    Ours stay: addresses that the API gives out begin with them.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        base = settings.BASE_PATH
        given = {settings.VITE_APP[name].removeprefix(base): ours for name, ours in OURS.items()}
        self.roots = {
            root: ours for root, ours in given.items() if root.startswith("/") and root != "/"
        }
        if set(self.roots) <= set(OURS.values()):
            raise MiddlewareNotUsed

    def __call__(self, request: HttpRequest) -> HttpResponse:
        path = request.path_info
        if not path.startswith(tuple(OURS.values())):
            for root, ours in self.roots.items():
                if path.startswith(root):
                    request.path_info = ours + path.removeprefix(root)
                    request.path = settings.BASE_PATH + request.path_info
                    break
        return self.get_response(request)
