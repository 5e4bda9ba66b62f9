"""Turning the second step on and off."""

from django.contrib.auth import update_session_auth_hash
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from backend_django.api.queries import takes_no_body
from backend_django.users.api.account_views import AccountView
from backend_django.users.api.serializers import ConfirmSerializer, DetailSerializer
from backend_django.users.models import ApiToken

from .. import services
from .serializers import (
    MfaActivateSerializer,
    MfaProposalSerializer,
    MfaSerializer,
    RecoveryCodesSerializer,
)


class MfaView(AccountView):
    schema_action = "mfa"

    @extend_schema(responses=MfaSerializer)
    def get(self, request: Request) -> Response:
        """Return whether the account asks for a second step at sign-in."""
        enabled = services.mfa_is_on(self.user)
        left = services.recovery_codes_left(self.user) if enabled else 0
        app = services.app_is_on(self.user)
        return Response({"enabled": enabled, "app": app, "recovery_codes_left": left})


class MfaProposeView(AccountView):
    schema_action = "mfa_propose"

    @takes_no_body(responses=MfaProposalSerializer)
    def post(self, request: Request) -> Response:
        """Propose a secret for an authenticator app."""
        return Response(services.mfa_propose(user=self.user))


class MfaActivateView(AccountView):
    schema_action = "mfa_activate"
    problems = {409: "There is an app already"}

    @extend_schema(request=MfaActivateSerializer, responses=RecoveryCodesSerializer)
    def post(self, request: Request) -> Response:
        """Ask for codes of an authenticator app, and answer with the recovery codes.

        When it turns two-step sign-in on, other sessions end, and so do tokens that `auth/login/`
        has made.
        """
        data = self.read(MfaActivateSerializer)
        token = request.auth if isinstance(request.auth, ApiToken) else None
        codes = services.mfa_activate(
            user=self.user, secret=data["secret"], code=data["code"], token=token
        )
        if token is None:
            update_session_auth_hash(request._request, self.user)
        return Response({"recovery_codes": codes})


class MfaDeactivateView(AccountView):
    schema_action = "mfa_deactivate"

    @extend_schema(request=ConfirmSerializer, responses=DetailSerializer)
    def post(self, request: Request) -> Response:
        """Turn two-step sign-in off: without an app, passkeys and recovery codes."""
        self.read(ConfirmSerializer)
        services.mfa_deactivate(user=self.user)
        return Response({"detail": _("Two-step sign-in is off.")})


class RecoveryCodesView(AccountView):
    schema_action = "recovery_codes"
    problems = {409: "Two-step sign-in is off"}

    @extend_schema(request=ConfirmSerializer, responses=RecoveryCodesSerializer)
    def post(self, request: Request) -> Response:
        """Make new recovery codes. The old ones end."""
        self.read(ConfirmSerializer)
        return Response({"recovery_codes": services.recovery_codes_renew(user=self.user)})
