"""Signing in and out, and what the page asks about it. More in account_views.py.

dj-rest-auth's login under addresses and serializers of our own: its stock wiring has faults that
tests/accounts/test_nine_faults.py names one by one.
"""

from typing import Any

from allauth.account.adapter import get_adapter
from dj_rest_auth.views import LoginView as BaseLoginView
from dj_rest_auth.views import UserDetailsView as BaseUserDetailsView
from django.conf import settings
from django.contrib.auth import logout
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.csrf import ensure_csrf_cookie
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from backend_django.api.docs import is_led_to_document
from backend_django.api.parsers import JSONParser
from backend_django.api.queries import takes_no_body

from ..devices import device_remember
from ..links import links_for
from ..models import ApiToken, User
from ..services import SIGN_IN_TOKEN, token_create, token_revoke
from .serializers import (
    DetailSerializer,
    SessionSerializer,
    TokenKeySerializer,
    registration_is_open,
)


def sign_in_token(_model: Any, user: User, serializer: Any) -> dict[str, str] | None:
    """For dj-rest-auth: a token of its own for each script that signs in, none for the page."""
    if not serializer.validated_data.get("token", True):
        return None
    return {"key": token_create(user=user, name=SIGN_IN_TOKEN, from_sign_in=True)[1]}


class LoginView(BaseLoginView):
    """Sign in. JSON only: a form on another site can send a form, but not JSON."""

    schema_action = "login"
    parser_classes = [JSONParser]
    authentication_classes: list[Any] = []  # a stale token or session must not keep anybody out

    @extend_schema(
        responses={200: TokenKeySerializer, 204: OpenApiResponse(description="Without a token")}
    )
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Set the session cookie for the page, and answer with a token for scripts."""
        response = super().post(request, *args, **kwargs)
        device_remember(request._request, response, self.user.email)
        return response

    def process_login(self) -> None:
        self.serializer.record()
        get_adapter().login(self.request._request, self.user)


class LogoutView(APIView):
    """Sign out: end the session, or revoke the token, whichever the call came with."""

    schema_action = "logout"
    permission_classes = [AllowAny]

    @takes_no_body(responses=DetailSerializer)
    def post(self, request: Request) -> Response:
        """A browser's sign-out leaves the tokens of the user's scripts alone."""
        if isinstance(request.auth, ApiToken):
            token_revoke(token=request.auth)
        else:
            logout(request._request)
        return Response({"detail": _("You are signed out.")})


class UserView(BaseUserDetailsView):
    """The signed-in user."""

    schema_action = {"get": "user", "patch": "user_update"}
    schema_summary = {"patch": "Change the name or the language of the signed-in user"}
    http_method_names = ["get", "patch", "head", "options"]


@method_decorator(ensure_csrf_cookie, name="dispatch")
class SessionView(APIView):
    """Return who is signed in, the page's first question. Sets the CSRF cookie on the way."""

    schema_action = "session"
    permission_classes = [AllowAny]

    @extend_schema(responses=SessionSerializer)
    def get(self, request: Request) -> Response:
        """Never 401: not being signed in is an answer, not an error."""
        user = request.user if request.user.is_authenticated else None
        links = links_for(user, api_docs=is_led_to_document(request)) if user else {}
        answer = SessionSerializer(
            {
                "user": user,
                "links": [{"name": name, "url": url} for name, url in links.items()],
                "registration_open": registration_is_open(),
                "google_url": settings.GOOGLE_LOGIN_URL,
            }
        )
        return Response(answer.data)
