"""Response headers that say what the browser may do with a response."""

from typing import Any

from csp.middleware import CSPMiddleware
from django.conf import settings
from django.http import HttpRequest, HttpResponse

PERMISSIONS_POLICY = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"

# Unless a response says otherwise, nobody keeps it: a cache in front would answer for minutes that
# there is no such file, while a release comes that has it.
UNKEPT = "private, no-store"


class PoliciesMiddleware(CSPMiddleware):
    """Send the Content-Security-Policy, what the page never uses of the browser, and who may cache.

    django-csp composes the policy for each response, at a tenth of what the response costs. Here
    the headers that it has set for one are kept for all that ask for the same.
    """

    def __init__(self, get_response: Any) -> None:
        super().__init__(get_response)
        self._known: dict[str, dict[str, str]] = {}

    def process_response(self, request: HttpRequest, response: Any) -> Any:
        response.headers.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        response.headers.setdefault("Cache-Control", UNKEPT)
        if settings.DEBUG or getattr(request, "_csp_nonce", None):  # a nonce is never the same
            return super().process_response(request, response)
        asked = {name: value for name, value in vars(response).items() if name.startswith("_csp")}
        key = repr(asked)
        if key not in self._known:
            alike = HttpResponse()
            vars(alike).update(asked)
            made = super().process_response(request, alike).headers
            self._known[key] = {name: made[name] for name in made if "Security" in name}
        for name, value in self._known[key].items():
            response.headers.setdefault(name, value)
        return response
