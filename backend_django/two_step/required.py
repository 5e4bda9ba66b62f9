"""The users who must have a second step: staff or everybody, as the settings say."""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden, HttpResponseRedirect
from django.http.response import HttpResponseBase

from backend_django.api.problems import problem_response
from backend_django.users.models import ApiToken, User
from backend_django.utils.errors import Denied
from backend_django.utils.site import page_path
from backend_django.utils.staff import acts_as_staff
from backend_django.utils.translation import translate

from .services import mfa_is_on

GUARDED = ("/api/", "/events")
OPEN = ("/api/v1/auth/", "/api/v1/version")


class SecondStepMissing(Denied):
    """A password alone opens the account, which is not enough here."""

    code = "second_step_required"
    message = "Two-step sign-in is required here. Set it up on your account page, then try again."


def check_second_step(user: Any) -> None:
    """Raise SecondStepMissing for staff without a second step.

    Whoever has one has shown it: setting it up ends all other sessions, and signing in asks for it.
    """
    if settings.TWO_STEP_FOR_STAFF and not mfa_is_on(user):  # type: ignore[misc]
        raise SecondStepMissing


class SecondStepMiddleware:
    """Refuse an account without a second step what asks for one, and lead to where it is set up."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        if request.path_info.startswith(f"/{settings.ADMIN_URL}"):
            return _of_staff(request)
        return _of_everyone(request)


def _of_staff(request: HttpRequest) -> HttpResponseBase | None:
    """Send staff without one from the admin to their account page."""
    match = request.resolver_match
    if match and match.url_name == "logout":
        return None
    try:
        acts_as_staff(request.user)
    except SecondStepMissing as error:
        if request.method not in {"GET", "HEAD"}:
            sentence = f"{translate(error.message)}\n"
            return HttpResponseForbidden(sentence, content_type="text/plain; charset=utf-8")
        query = urlencode({"next": request.get_full_path()})
        return HttpResponseRedirect(page_path(f"/account?{query}"))
    return None


def _of_everyone(request: HttpRequest) -> HttpResponseBase | None:
    """Refuse what needs an account, but for what sets a second step up."""
    required = settings.TWO_STEP_FOR_EVERYONE  # type: ignore[misc]
    if not required or not request.path_info.startswith(GUARDED):
        return None
    if request.path_info.startswith(OPEN) or all(mfa_is_on(user) for user in _callers(request)):
        return None
    return problem_response(403, SecondStepMissing.code, SecondStepMissing.message)


def _callers(request: HttpRequest) -> Iterator[User]:
    """Yield whose session and whose token a call comes with; the views refuse what is not valid."""
    if request.user.is_authenticated:
        yield request.user
    credentials = request.headers.get("Authorization", "").split()  # as the API reads it
    if len(credentials) == 2 and credentials[0].lower() == "token":
        digest = ApiToken.digest_of(credentials[1])
        if token := ApiToken.objects.filter(digest=digest).select_related("user").first():
            yield token.user
