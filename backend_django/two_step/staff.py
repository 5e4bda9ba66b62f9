"""Staff have a second step, where TWO_STEP_FOR_STAFF says so."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden, HttpResponseRedirect
from django.http.response import HttpResponseBase

from backend_django.utils.errors import Denied
from backend_django.utils.staff import acts_as_staff
from backend_django.utils.translation import translate

from .services import mfa_is_on


class SecondStepMissing(Denied):
    """Somebody is staff, but a password alone opens the account."""

    code = "second_step_required"
    message = "Staff need two-step sign-in here. Set it up on your account page, then try again."


def check_second_step(user: Any) -> None:
    """Raise SecondStepMissing for staff without a second step.

    Whoever has one has shown it: setting it up ends all other sessions, and signing in asks for it.
    """
    if settings.TWO_STEP_FOR_STAFF and not mfa_is_on(user):
        raise SecondStepMissing


class StaffMiddleware:
    """Send staff without a second step from the admin to the page where they set one up."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        match = request.resolver_match
        is_admin = request.path.startswith(f"/{settings.ADMIN_URL}")
        if not is_admin or (match and match.url_name == "logout"):
            return None
        try:
            acts_as_staff(request.user)
        except SecondStepMissing as error:
            if request.method not in {"GET", "HEAD"}:
                sentence = f"{translate(error.message)}\n"
                return HttpResponseForbidden(sentence, content_type="text/plain; charset=utf-8")
            query = urlencode({"next": request.get_full_path()})
            return HttpResponseRedirect(f"/account?{query}")
        return None
