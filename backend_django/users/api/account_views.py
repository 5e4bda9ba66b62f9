"""Making, proving, changing and ending an account. Thin: services.py does it."""

from datetime import timedelta
from typing import Any, cast

from allauth.account.adapter import get_adapter
from allauth.usersessions.models import UserSession
from django.contrib.auth import logout, update_session_auth_hash
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import generics
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import NotFound, PermissionDenied, ValidationError
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from backend_django.api.queries import takes_no_body
from backend_django.api.strict import check_members
from backend_django.audit.services import Outcome, event_record
from backend_django.mail.services import mail_queue
from backend_django.utils.site import page_url

from .. import services
from ..devices import device_remember
from ..email_change import email_change_confirm, email_change_request
from ..limits import is_within_limit, limit
from ..models import ApiToken, User
from ..sessions import session_end, sessions_of
from .serializers import (
    DEAD_LINK,
    AddressSerializer,
    ApiTokenSerializer,
    ConfirmSerializer,
    DetailSerializer,
    EmailChangeConfirmSerializer,
    EmailChangeSerializer,
    NewApiTokenSerializer,
    PasswordChangeSerializer,
    PasswordResetConfirmSerializer,
    RegisterSerializer,
    TokenCreateSerializer,
    UserSessionSerializer,
    VerifyEmailSerializer,
    registration_is_open,
)


class AccountView(APIView):
    """A view that takes one serializer and calls one service."""

    @property
    def user(self) -> User:
        """The caller; IsAuthenticated has seen to it that there is one."""
        return cast(User, self.request.user)

    def read(self, serializer_class: type[Serializer[Any]]) -> dict[str, Any]:
        if isinstance(self.request.data, dict):
            check_members(serializer_class(), self.request.data)
        serializer = serializer_class(data=self.request.data, context={"request": self.request})
        serializer.is_valid(raise_exception=True)
        return serializer.validated_data

    def limit(self, action: str, **options: Any) -> None:
        limit(self.request._request, action, **options)

    def may_mail(self, kind: str, email: str) -> bool:
        """Return whether to send a mail with a link: not after a few of the kind to an address.

        The response is the same: whoever asks for them may not be their reader, who can follow any
        of those that came before.
        """
        return is_within_limit(self.request._request, "link_mail", key=f"{kind} {email}")


class OpenAccountView(AccountView):
    """For people who are not signed in; deaf to credentials, so that a stale one harms nobody."""

    permission_classes = [AllowAny]
    authentication_classes: list[Any] = []

    def send(self, kind: str, email: str) -> None:
        """Queue a mail with a link, unless the address got a few of the kind just now."""
        within = self.may_mail(kind, email)
        outcome = Outcome.SUCCESS if within else Outcome.BLOCKED
        event_record(event="link_requested", outcome=outcome, email=email, detail=kind)
        if within:
            mail_queue(
                kind=kind,
                recipient=email,
                content={"origin": page_url(request=self.request._request)},
            )


class RegisterView(OpenAccountView):
    schema_action = "registration"
    problems = {403: "Registration is closed: `registration_closed`"}

    @extend_schema(request=RegisterSerializer, responses={201: DetailSerializer})
    def post(self, request: Request) -> Response:
        """Make an account. What happens next stands in the mail, also when there is one already."""
        if not registration_is_open():
            raise PermissionDenied(_("Registration is closed."), code="registration_closed")
        data = self.read(RegisterSerializer)
        self.limit("signup", key=data["email"])
        services.account_register(
            email=data["email"],
            password=data["password1"],
            name=data.get("name", ""),
            origin=page_url(request=request._request),
        )
        return Response({"detail": _("We sent you an email. Follow the link in it.")}, status=201)


class VerifyEmailView(OpenAccountView):
    schema_action = "verify_email"

    @extend_schema(request=VerifyEmailSerializer, responses=DetailSerializer)
    def post(self, request: Request) -> Response:
        """Confirm the address, for the registration that the link was sent for."""
        registration = self.read(VerifyEmailSerializer)["key"]
        if not services.registration_confirm(registration=registration):
            raise ValidationError({"key": DEAD_LINK}, code="dead_link")
        return Response({"detail": _("Your address is confirmed. You can sign in.")})


class ResendEmailView(OpenAccountView):
    schema_action = "resend_email"

    @extend_schema(request=AddressSerializer, responses=DetailSerializer)
    def post(self, request: Request) -> Response:
        """Send the link again, if this address waits for one."""
        email = self.read(AddressSerializer)["email"]
        self.limit("confirm_email")
        self.send("account_confirm", email)
        return Response(
            {"detail": _("If this address is waiting to be confirmed, an email is on its way.")}
        )


class PasswordResetView(OpenAccountView):
    schema_action = "password_reset"

    @extend_schema(request=AddressSerializer, responses=DetailSerializer)
    def post(self, request: Request) -> Response:
        """Send a link for choosing a new password, if this address has an account."""
        email = self.read(AddressSerializer)["email"]
        self.limit("reset_password")
        self.send("account_reset", email)
        return Response({"detail": _("If this address has an account, an email is on its way.")})


class PasswordResetConfirmView(OpenAccountView):
    schema_action = "password_reset_confirm"

    @extend_schema(request=PasswordResetConfirmSerializer, responses=DetailSerializer)
    def post(self, request: Request) -> Response:
        """Set the new password. Every session and token of the account ends."""
        self.limit("reset_password_from_key")
        data = self.read(PasswordResetConfirmSerializer)
        user: User = data["user"]
        if not services.password_reset(
            user=user, token=data["token"], password=data["new_password1"]
        ):
            raise ValidationError({"token": DEAD_LINK}, code="dead_link")
        # Somebody who had forgotten the password has tried a few: they are forgiven.
        get_adapter().forgive_failures(request._request, user.email)
        response = Response({"detail": _("Your new password is set. You can sign in.")})
        device_remember(request._request, response, user.email)
        return response


class PasswordChangeView(AccountView):
    schema_action = "password_change"

    @extend_schema(request=PasswordChangeSerializer, responses=DetailSerializer)
    def post(self, request: Request) -> Response:
        """Set another password. Other sessions end, and all tokens, also the one that asks."""
        data = self.read(PasswordChangeSerializer)
        services.password_change(user=self.user, password=data["new_password1"])
        if isinstance(request.successful_authenticator, SessionAuthentication):
            update_session_auth_hash(request._request, self.user)
        return Response({"detail": _("Your password is changed. Other devices are signed out.")})


class EmailChangeView(AccountView):
    schema_action = "email_change"

    @extend_schema(request=EmailChangeSerializer, responses=DetailSerializer)
    def post(self, request: Request) -> Response:
        """Ask for another email, which counts when the link in a mail to it was followed."""
        data = self.read(EmailChangeSerializer)
        self.limit("email_change", user=self.user)
        email_change_request(
            user=self.user,
            email=data["email"],
            origin=page_url(request=request._request),
            is_mailed=self.may_mail("account_email_change", data["email"]),
        )
        return Response(
            {"detail": _("We sent an email to the new address. Follow the link in it.")}
        )


class EmailChangeConfirmView(OpenAccountView):
    schema_action = "email_change_confirm"

    @extend_schema(request=EmailChangeConfirmSerializer, responses=DetailSerializer)
    def post(self, request: Request) -> Response:
        """Make the email that the link was sent to the one of the account."""
        change = self.read(EmailChangeConfirmSerializer)["key"]
        if not email_change_confirm(change=change):
            raise ValidationError({"key": DEAD_LINK}, code="dead_link")
        return Response({"detail": _("Your new address is confirmed. You sign in with it now.")})


class LogoutOthersView(AccountView):
    schema_action = "logout_others"

    @takes_no_body(responses=DetailSerializer)
    def post(self, request: Request) -> Response:
        """End all sessions but the one that asks. Tokens stay: they are revoked one by one."""
        services.sessions_end(user=self.user)
        if isinstance(request.successful_authenticator, SessionAuthentication):
            update_session_auth_hash(request._request, self.user)
        return Response({"detail": _("Other devices are signed out.")})


class SessionListView(AccountView):
    schema_action = "sessions"

    @extend_schema(responses=UserSessionSerializer(many=True))
    def get(self, request: Request) -> Response:
        """List the user's sessions, the last used first."""
        found = sessions_of(self.user)
        context = {"request": request}
        return Response(UserSessionSerializer(found, many=True, context=context).data)


class SessionEndView(AccountView):
    schema_action = "session_end"

    @extend_schema(responses={204: None})
    def delete(self, request: Request, pk: str) -> Response:
        """Sign out one browser. That of others does not exist."""
        session = UserSession.objects.filter(user=self.user, pk=pk).first()
        if session is None:
            raise NotFound("There is no such session.")
        session_end(session=session)
        return Response(status=204)


class UserDeleteView(AccountView):
    schema_action = "user_delete"
    problems = {409: "It is the only administrator"}

    @extend_schema(
        request=ConfirmSerializer,
        responses={204: OpenApiResponse(description="The account is gone")},
    )
    def post(self, request: Request) -> Response:
        """Delete the account, and every request and file that belongs to it."""
        self.read(ConfirmSerializer)
        services.account_delete(user=self.user)
        logout(request._request)
        return Response(status=204)


class OwnTokens(AccountView, generics.GenericAPIView[ApiToken]):
    """The tokens of whoever asks; those of others do not exist."""

    serializer_class = ApiTokenSerializer

    def get_queryset(self) -> QuerySet[ApiToken]:
        if getattr(self, "swagger_fake_view", False):
            return ApiToken.objects.none()
        return ApiToken.objects.filter(user=self.user)


class TokenListView(OwnTokens, generics.ListAPIView[ApiToken]):
    schema_action = {"get": "tokens", "post": "token_create"}
    schema_summary = {"get": "The tokens of the caller"}
    is_list = True
    problems = {409: "There are too many"}

    request_serializer_class = TokenCreateSerializer

    @extend_schema(request=TokenCreateSerializer, responses={201: NewApiTokenSerializer})
    def post(self, request: Request) -> Response:
        """Create a token for a script. Its key is in this response and nowhere else."""
        data = self.read(TokenCreateSerializer)
        days = data["expires_in_days"]
        token, key = services.token_create(
            user=self.user,
            name=data["name"],
            scope=data["scope"],
            kinds=data["kinds"],
            expires_at=timezone.now() + timedelta(days=days) if days else None,
        )
        return Response(ApiTokenSerializer(token).data | {"key": key}, status=201)


class TokenRevokeView(OwnTokens, generics.DestroyAPIView[ApiToken]):
    schema_action = "token_revoke"
    schema_summary = "Revoke a token of the caller"

    def perform_destroy(self, instance: ApiToken) -> None:
        services.token_revoke(token=instance)
