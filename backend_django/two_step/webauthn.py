"""Passkeys as WebAuthn has them: what a browser is asked to sign, and whether it has.

Rows, usage and limits are allauth's; its own calls to fido2 are not used. They accept what a page
on any subdomain had signed, and keep a challenge for as long as the session lasts.
"""

import struct
import time
from typing import Any
from urllib.parse import urlsplit

from allauth.account.utils import url_str_to_user_pk, user_pk_to_url_str
from allauth.core import context
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.internal.flows import check_rate_limit
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.forms import AuthenticateWebAuthnForm
from cryptography.exceptions import UnsupportedAlgorithm
from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import ValidationError
from fido2.server import Fido2Server
from fido2.utils import websafe_decode
from fido2.webauthn import (
    AttestedCredentialData,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from backend_django.users.models import User

CHALLENGE = "passkey_challenge"  # in the session
CHALLENGE_SECONDS = 300
ADD, PROVE = "add", "prove"
# What fido2 raises at what no browser sends.
MALFORMED = (
    ValueError, TypeError, LookupError, AttributeError, AssertionError, NotImplementedError,
    struct.error, UnsupportedAlgorithm,
)  # fmt: skip


class NotAccepted(ValueError):  # noqa: N818
    """A response is not what was asked for: of another site, too late, used before, made up."""


def creation_options(user: User) -> dict[str, Any]:
    """Return what `navigator.credentials.create` makes a passkey from, as JSON.

    The device must know its user, by a finger or a PIN: so a passkey is two factors at once.
    """
    options, state = _server().register_begin(
        PublicKeyCredentialUserEntity(
            id=user_pk_to_url_str(user).encode(),
            name=user.email,
            display_name=user.name or user.email,
        ),
        credentials=[_key_of(passkey) for passkey in passkeys_of(user)],
        resident_key_requirement=ResidentKeyRequirement.REQUIRED,
        user_verification=UserVerificationRequirement.REQUIRED,
        extensions={"credProps": True},
    )
    _challenge_keep(state, f"{ADD} {user.pk}")
    return dict(dict(options)["publicKey"])


def check_creation(user: User, credential: dict[str, Any]) -> None:
    """Raise NotAccepted unless the browser has made what `creation_options` said."""
    state = _challenge_take(f"{ADD} {user.pk}")
    try:
        _server().register_complete(state, credential)
    except MALFORMED as error:
        raise NotAccepted from error


def request_options() -> dict[str, Any]:
    """Return what `navigator.credentials.get` asks for, as JSON: any passkey of this site."""
    options, state = _server().authenticate_begin(
        user_verification=UserVerificationRequirement.REQUIRED
    )
    _challenge_keep(state, PROVE)
    return dict(dict(options)["publicKey"])


def passkey_find(user: User | None, credential: Any) -> Authenticator:
    """Return the passkey that has signed what `request_options` asked for.

    Args:
        user: whose it must be; None: of whomever it names.

    Raises:
        NotAccepted: it is nobody's, or somebody else's.
    """
    state = _challenge_take(PROVE)
    try:
        user = user or _user_of(credential)
        rows = list(passkeys_of(user))
        keys = [_key_of(row) for row in rows]
        used = _server().authenticate_complete(state, keys, credential)
        return rows[keys.index(used)]
    except MALFORMED as error:
        raise NotAccepted from error


def passkeys_of(user: User) -> Any:
    """Return the rows of a user's passkeys, the oldest first."""
    rows = Authenticator.objects.filter(user=user, type=Authenticator.Type.WEBAUTHN)
    return rows.select_related("user").order_by("created_at", "pk")


class PasskeyForm(AuthenticateWebAuthnForm):
    """Checks a passkey, in place of a code or, without a user, of email and password."""

    def clean_credential(self) -> Authenticator:
        forgive = check_rate_limit(self.user) if self.user else None
        try:
            passkey = passkey_find(self.user, self.cleaned_data["credential"])
        except NotAccepted as error:
            raise get_adapter().validation_error("incorrect_code") from error
        if forgive:
            forgive()
        return passkey


class PasskeyLoginForm(PasskeyForm):
    passwordless = True


def _server() -> Fido2Server:
    """Return fido2's checks for this site.

    Passkeys belong to the host of the site's address, whatever path the product is below.
    """
    request = context.request
    site = urlsplit(settings.SITE_URL or f"{request.scheme}://{request.get_host()}")
    origin = f"{site.scheme}://{site.netloc}"
    party = PublicKeyCredentialRpEntity(id=site.hostname, name=settings.PROJECT.name)
    return Fido2Server(party, verify_origin=lambda signed: signed == origin)


def _challenge_keep(state: Any, purpose: str) -> None:
    session = context.request.session
    if session.is_empty():  # of somebody who is not signed in: it need not last
        session.set_expiry(CHALLENGE_SECONDS)
    until = time.time() + CHALLENGE_SECONDS
    session[CHALLENGE] = dict(state) | {"purpose": purpose, "until": until}


def _challenge_take(purpose: str) -> dict[str, Any]:
    """Return the state of a challenge, which counts once: also of calls at the same time."""
    state: dict[str, Any] = context.request.session.pop(CHALLENGE, {})
    if state.get("purpose") != purpose or state["until"] < time.time():
        raise NotAccepted
    if not cache.add(f"passkey:{state['challenge']}", True, CHALLENGE_SECONDS):
        raise NotAccepted
    return state


def _key_of(passkey: Authenticator) -> AttestedCredentialData:
    key: AttestedCredentialData = passkey.wrap().authenticator_data.credential_data
    return key


def _user_of(credential: Any) -> User:
    named = websafe_decode(credential["response"]["userHandle"]).decode()
    try:
        return User.objects.get(pk=url_str_to_user_pk(named), is_active=True)
    except (User.DoesNotExist, OverflowError, ValidationError) as error:
        raise NotAccepted from error
