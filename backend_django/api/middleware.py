"""Middleware for all responses below /api/, whoever gives them."""

import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backend_django.utils.client import client_address

from .deprecation import deprecation_of
from .heads import ASKED, check_head
from .problems import (
    CONTENT_TYPE,
    RETRY_AFTER_SECONDS,
    is_api,
    problem_response,
    validation_problem,
)
from .queries import find_body_error, find_parameter_errors
from .throttling import seconds_left_to_wait, seconds_to_wait, throttled_response

REMEMBERED_SECONDS = 1.0
MOST_ADDRESSES = 1000

SENTENCES = {
    400: ("bad_request", gettext_lazy("The request could not be understood.")),
    401: ("not_authenticated", gettext_lazy("Sign in first.")),
    403: ("permission_denied", gettext_lazy("You may not do this.")),
    404: ("not_found", gettext_lazy("There is nothing at this address.")),
    405: ("method_not_allowed", gettext_lazy("This address does not take this method.")),
    429: ("throttled", gettext_lazy("Too many requests. Try again later.")),
}


class ApiMiddleware:
    """Errors of plain views become problems too; query parameters and bodies that nobody
    reads, and parameters that are repeated, are refused.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self._let_in: dict[str, float] = {}  # until when an address is not looked up again

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not is_api(request):
            return self.get_response(request)
        response = self._answer(request)
        if response.status_code == 503:
            response.headers.setdefault("Retry-After", str(RETRY_AFTER_SECONDS))
        if request.resolver_match and (ending := deprecation_of(request.resolver_match.func)):
            for name, value in ending.headers.items():
                response.headers[name] = value
        return response

    def _answer(self, request: HttpRequest) -> HttpResponseBase:
        if "Authorization" in request.headers and (wait := self._wait_of_refused(request)):
            return throttled_response(wait)
        response = self.get_response(request)
        if response.status_code < 400:
            return response
        if response.status_code == 401:
            self._let_in.pop(client_address(request), None)
            if wait := seconds_to_wait(*self._find_refusal(request)):
                return throttled_response(wait)
        if response.headers.get("Content-Type", "").startswith(CONTENT_TYPE):
            return response
        fallback = ("error", _("The request was not accepted."))
        made = problem_response(
            response.status_code, *SENTENCES.get(response.status_code, fallback)
        )
        for name, value in response.headers.items():
            made.headers.setdefault(name, value)
        made.headers["Content-Length"] = str(len(made.content))
        made.cookies = response.cookies
        return made

    def _wait_of_refused(self, request: HttpRequest) -> float:
        """Return the seconds an address must wait after too many refusals.

        An address that need not is remembered for a second, or until this process refuses it: a
        script with a good token does not pay a look into Redis for each of its calls.
        """
        address, now = client_address(request), time.monotonic()
        if self._let_in.get(address, 0) > now:
            return 0
        wait = seconds_left_to_wait(*self._find_refusal(request))
        if not wait:
            if len(self._let_in) >= MOST_ADDRESSES:
                self._let_in.clear()
            self._let_in[address] = now + REMEMBERED_SECONDS
        return wait

    def _find_refusal(self, request: HttpRequest) -> tuple[str, str, str]:
        """Return the key and rate of calls without valid credentials; no view counts them."""
        return "refused", client_address(request), settings.API_RATES["address"]

    def process_view(
        self, request: HttpRequest, view: Any, args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        if ASKED in request.META:
            return check_head(request, view, args, kwargs)
        errors = find_parameter_errors(request, view) or find_body_error(request, view)
        return validation_problem(errors) if errors else None
