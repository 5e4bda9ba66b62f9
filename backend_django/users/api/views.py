"""dj-rest-auth's views, narrowed to what is meant."""

from typing import Any

from dj_rest_auth.registration.views import RegisterView as BaseRegisterView
from dj_rest_auth.serializers import TokenSerializer
from dj_rest_auth.views import LoginView as BaseLoginView
from dj_rest_auth.views import UserDetailsView as BaseUserDetailsView
from django.contrib.auth import logout
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import ensure_csrf_cookie
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.authentication import TokenAuthentication
from rest_framework.parsers import JSONParser
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from .serializers import SessionSerializer


class DetailSerializer(serializers.Serializer[Any]):
    """A sentence about what happened."""

    detail = serializers.CharField()


class LoginView(BaseLoginView):
    """Sign in. JSON only: a form on another site can send a form, but not JSON."""

    schema_action = "login"
    parser_classes = [JSONParser]
    authentication_classes: list[Any] = []  # a stale token or session must not keep anybody out

    @extend_schema(responses=TokenSerializer)
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Answer with a token for scripts, and set the session cookie for the page."""
        return super().post(request, *args, **kwargs)


class LogoutView(APIView):
    """Sign out: end the session, or revoke the token, whichever the call came with."""

    schema_action = "logout"
    permission_classes = [AllowAny]

    @extend_schema(request=None, responses=DetailSerializer)
    def post(self, request: Request) -> Response:
        """A browser's sign-out leaves the token of the user's scripts alone."""
        if isinstance(request.successful_authenticator, TokenAuthentication) and request.auth:
            request.auth.delete()
        else:
            logout(request._request)
        return Response({"detail": "You are signed out."})


class UserView(BaseUserDetailsView):
    """The signed-in user."""

    schema_action = {"get": "user", "patch": "user_update"}
    http_method_names = ["get", "patch", "head", "options"]


@method_decorator(ensure_csrf_cookie, name="dispatch")
class SessionView(APIView):
    """What the page asks first: who is signed in? Sets the CSRF cookie on the way."""

    schema_action = "session"
    permission_classes = [AllowAny]

    @extend_schema(responses=SessionSerializer)
    def get(self, request: Request) -> Response:
        """Never 401: not being signed in is an answer, not an error."""
        user = request.user if request.user.is_authenticated else None
        return Response(SessionSerializer({"user": user}).data)


class RegisterView(BaseRegisterView):
    """Make an account."""

    schema_action = "registration"

    @extend_schema(responses={201: DetailSerializer})
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Where addresses are verified, a mail with a link comes next."""
        return super().post(request, *args, **kwargs)
