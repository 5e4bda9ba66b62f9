"""Adding and removing passkeys, and signing in with one. More in passkeys.py and webauthn.py."""

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.mfa.models import Authenticator
from django.contrib.auth import update_session_auth_hash
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from backend_django.api.parsers import JSONParser
from backend_django.api.queries import takes_no_body
from backend_django.audit.services import Outcome, event_record
from backend_django.users.api.account_views import AccountView, OpenAccountView
from backend_django.users.api.serializers import ConfirmSerializer, check_confirmed
from backend_django.users.devices import device_remember
from backend_django.users.models import ApiToken, User
from backend_django.users.sessions import device
from backend_django.utils.errors import Denied, Invalid

from .. import passkeys
from ..services import NOT_ACCEPTED
from ..webauthn import PasskeyLoginForm, passkeys_of, request_options
from .serializers import (
    PasskeyAddedSerializer,
    PasskeyAddSerializer,
    PasskeyLoginSerializer,
    PasskeyOptionsSerializer,
    PasskeyRenameSerializer,
    PasskeySerializer,
)


class PageOnly(Denied):
    """A token asks for what a person has to be there for."""

    code = "not_with_a_token"
    message = "A token can't do this. Sign in to the page, and do it there."


class PasskeyView(AccountView):
    """For whoever is signed in to the page: a passkey signs in by itself, as a token must not."""

    problems = {403: "The call came with a token: `not_with_a_token`"}

    def check_permissions(self, request: Request) -> None:
        super().check_permissions(request)
        if isinstance(request.auth, ApiToken):
            raise PageOnly

    def passkey(self, pk: str) -> Authenticator:
        """Return one of the caller's; those of others do not exist."""
        found: Authenticator | None = passkeys_of(self.user).filter(pk=pk).first()
        if found is None:
            raise NotFound("There is no such passkey.")
        return found


class PasskeyListView(PasskeyView):
    schema_action = {"get": "passkeys", "post": "passkey_add"}
    problems = PasskeyView.problems | {409: "There are too many"}

    @extend_schema(responses=PasskeySerializer(many=True))
    def get(self, request: Request) -> Response:
        """The passkeys of the caller."""
        return Response(PasskeySerializer(passkeys_of(self.user), many=True).data)

    @extend_schema(request=PasskeyAddSerializer, responses={201: PasskeyAddedSerializer})
    def post(self, request: Request) -> Response:
        """Add the passkey that the browser has made of a proposal.

        When it turns two-step sign-in on, other sessions end, and so do tokens that `auth/login/`
        has made.
        """
        data = self.read(PasskeyAddSerializer)
        name = data.get("name") or device(request.headers.get("User-Agent", ""))
        passkey, codes = passkeys.passkey_add(
            user=self.user, name=name, credential=data["credential"]
        )
        if codes:
            update_session_auth_hash(request._request, self.user)
        added = {"passkey": passkey, "recovery_codes": codes}
        return Response(PasskeyAddedSerializer(added).data, status=201)


class PasskeyProposeView(PasskeyView):
    schema_action = "passkey_propose"
    problems = PasskeyView.problems | {409: "There are too many"}

    @extend_schema(request=ConfirmSerializer, responses=PasskeyOptionsSerializer)
    def post(self, request: Request) -> Response:
        """Propose a passkey, for the browser to make within five minutes."""
        self.read(ConfirmSerializer)
        return Response({"public_key": passkeys.passkey_propose(user=self.user)})


class PasskeyRenameView(PasskeyView):
    schema_action = "passkey_rename"

    @extend_schema(request=PasskeyRenameSerializer, responses=PasskeySerializer)
    def patch(self, request: Request, pk: str) -> Response:
        """Give a passkey of the caller another name."""
        passkey = self.passkey(pk)
        passkeys.passkey_rename(passkey=passkey, name=self.read(PasskeyRenameSerializer)["name"])
        return Response(PasskeySerializer(passkey).data)


class PasskeyRemoveView(PasskeyView):
    schema_action = "passkey_remove"

    @extend_schema(request=ConfirmSerializer, responses={204: None})
    def post(self, request: Request, pk: str) -> Response:
        """Remove a passkey of the caller. Without any other, two-step sign-in is off."""
        passkey = self.passkey(pk)
        self.read(ConfirmSerializer)
        passkeys.passkey_remove(passkey=passkey)
        return Response(status=204)


class PasskeyChallengeView(OpenAccountView):
    schema_action = "passkey_challenge"

    @takes_no_body(responses=PasskeyOptionsSerializer)
    def post(self, request: Request) -> Response:
        """Ask for a passkey: to sign in, or in place of a code. Good once, for five minutes."""
        self.limit("passkey")
        return Response({"public_key": request_options()})


class PasskeyLoginView(OpenAccountView):
    """JSON only, as for a password; a session only: a script has no passkey."""

    schema_action = "passkey_login"
    parser_classes = [JSONParser]

    @extend_schema(
        request=PasskeyLoginSerializer,
        responses={204: OpenApiResponse(description="The session cookie is set")},
    )
    def post(self, request: Request) -> Response:
        """Sign in with a passkey, which knows its user: no password, no code."""
        self.limit("passkey")
        form: Any = PasskeyLoginForm(self.read(PasskeyLoginSerializer), user=None)
        if not form.is_valid():
            event_record(event="sign_in", outcome=Outcome.FAILURE, detail="wrong passkey")
            raise Invalid(fields={"credential": NOT_ACCEPTED})
        user: User = form.cleaned_data["credential"].user
        check_confirmed(user)
        form.save()
        get_adapter().login(request._request, user)
        response = Response(status=204)
        device_remember(request._request, response, user.email)
        return response
