"""The second step at sign-in: codes of an app, passkeys, and recovery codes for their loss.

allauth checks and counts them, so the pages below accounts/ ask for the same codes. Its own flows
keep the new secret in the session, which a script with a token does not have; so the page holds it
until the first code proves that the app has it, too.
"""

from typing import Any

from allauth.core import context
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret, validate_totp_code
from django.db import IntegrityError, transaction

from backend_django.audit.services import Outcome, event_record
from backend_django.users.limits import seconds_to_wait
from backend_django.users.models import ApiToken, User
from backend_django.users.services import account_hold, notice_send, sessions_end
from backend_django.utils.errors import Conflict, Denied, Invalid, LimitReached
from backend_django.utils.messages import Message

from .recovery import CodeForm, recovery_codes_create
from .webauthn import PasskeyForm

Type = Authenticator.Type


NOT_ACCEPTED = Message("This passkey was not accepted. Try again, or use another way.")


class CodeRequired(Denied):
    """The password is right, but this account asks for a second step as well."""

    code = "mfa_required"
    message = Message("Enter the code of your authenticator app, or use a passkey.")


def mfa_is_on(user: User) -> bool:
    kinds = (Type.TOTP, Type.WEBAUTHN)
    return Authenticator.objects.filter(user=user, type__in=kinds).exists()


def app_is_on(user: User) -> bool:
    return Authenticator.objects.filter(user=user, type=Type.TOTP).exists()


def recovery_codes_left(user: User) -> int:
    codes = Authenticator.objects.filter(user=user, type=Type.RECOVERY_CODES).first()
    return len(codes.wrap().get_unused_codes()) if codes else 0


def second_step_check(
    *, user: User, code: str, passkey: Any = None
) -> CodeForm | PasskeyForm | None:
    """Check the code or passkey of an account that asks for one; either works once.

    Args:
        passkey: what the browser answered to `request_options`; None for a code.

    Returns:
        allauth's form, whose `save()` notes in the session how the user signed in; None for an
        account without a second step.

    Raises:
        CodeRequired: there is none.
        Invalid: it is wrong.
        LimitReached: too many were wrong.
    """
    if not mfa_is_on(user):
        return None
    form: CodeForm | PasskeyForm
    if passkey is not None:
        form = PasskeyForm({"credential": passkey}, user=user)
    elif code:
        form = CodeForm({"code": code}, user=user)
    else:
        raise CodeRequired
    with transaction.atomic():
        # One at a time: of parallel uses of a code one wins. Nothing is raised in here, because a
        # failure must stay counted.
        User.objects.select_for_update().get(pk=user.pk)
        accepted = form.is_valid()
    if accepted:
        return form
    if is_blocked(form):
        event_record(event="second_step", outcome=Outcome.BLOCKED, actor=user)
        key = f"mfa-auth-user-{user.pk}"  # allauth's
        raise LimitReached(retry_after=seconds_to_wait(context.request, "login_failed", key=key))
    event_record(event="second_step", outcome=Outcome.FAILURE, actor=user)
    if passkey is not None:
        raise Invalid(fields={"passkey": NOT_ACCEPTED})
    raise Invalid(
        fields={
            "code": Message("This code is not right, or was used before. Wait for the next one.")
        }
    )


def is_blocked(form: CodeForm | PasskeyForm) -> bool:
    """Return whether a form was refused because too many were wrong."""
    return any(form.has_error(field, "too_many_login_attempts") for field in form.fields)


def mfa_propose(*, user: User) -> dict[str, str]:
    """A new secret, as text, as address for an app, and as QR code (SVG). Nothing is stored."""
    secret = generate_totp_secret()
    url = get_adapter().build_totp_url(user, secret)
    return {"secret": secret, "url": url, "qr_svg": get_adapter().build_totp_svg(url)}


def mfa_activate(*, user: User, secret: str, code: str, token: ApiToken | None) -> list[str]:
    """Ask for codes of an app, once it has shown that it knows the secret.

    Args:
        token: the one that asks, which stays; None for a session.

    Returns:
        The recovery codes if the account had no second step before; they are not shown again.

    Raises:
        Invalid: the code does not belong to the secret.
        Conflict: there is an app already, or somebody else has changed the account meanwhile.
    """
    if not validate_totp_code(secret, code):
        raise Invalid(
            fields={"code": Message("This code is not right. Is the clock of your phone right?")}
        )
    try:
        with transaction.atomic():
            account_hold(user=user)
            is_first = not mfa_is_on(user)
            TOTP.activate(user, secret)
            codes = second_step_begin(user=user, token=token) if is_first else []
            notice_send(user=user, kind="mfa_on" if is_first else "app_added")
            event_record(event="authenticator_app_added", target=user.email)
    except IntegrityError as error:
        raise Conflict("Your account has an authenticator app already.") from error
    return codes


def second_step_begin(*, user: User, token: ApiToken | None = None) -> list[str]:
    """End what the password alone has opened, sessions and tokens of sign-ins, when an account has
    got its first second step.

    Returns:
        The recovery codes.
    """
    sessions_end(user=user)
    opened = ApiToken.objects.filter(user=user, from_sign_in=True)
    opened.exclude(pk=token.pk if token else 0).delete()
    event_record(event="second_step_on", target=user.email)
    return recovery_codes_create(user=user)


@transaction.atomic
def mfa_deactivate(*, user: User) -> None:
    """Turn the second step off: app, passkeys and recovery codes go."""
    account_hold(user=user)
    removed, _ = Authenticator.objects.filter(user=user).delete()
    if removed:
        notice_send(user=user, kind="mfa_off")
        event_record(event="second_step_off", target=user.email)


@transaction.atomic
def recovery_codes_renew(*, user: User) -> list[str]:
    """Replace the recovery codes and return the new ones.

    Raises:
        Conflict: two-step sign-in is off.
    """
    account_hold(user=user)
    if not mfa_is_on(user):
        raise Conflict("Two-step sign-in is off.")
    notice_send(user=user, kind="recovery_codes")
    event_record(event="recovery_codes_renewed", target=user.email)
    return recovery_codes_create(user=user)
