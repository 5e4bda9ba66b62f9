"""What accounts write to people. Written in the job, where looking somebody up tells nobody."""

from typing import Any

from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.core.mail import EmailMessage

from backend_django.mail.letters import Letter, letter

from .models import Registration, User
from .registration_keys import registration_key
from .services import account_awaits_confirmation

IGNORE = "If this was not you, ignore this mail. Nothing happens without the link."


@letter("account_signup")
def signup(recipient: str, content: dict[str, Any]) -> EmailMessage | None:
    """Confirm this registration, or learn that there is an account already."""
    if content.get("registration"):
        registration = Registration.objects.filter(id=content["registration"]).first()
        return _confirmation(registration, content) if registration else None
    if not User.objects.filter(email=recipient, is_active=True).exists():
        return None
    origin = content["origin"]
    return Letter(
        "You already have an account",
        ["Somebody wanted to register with this address, which already has an account."],
        ("Sign in", f"{origin}/login"),
        (f"Have you forgotten the password? Choose a new one at {origin}/forgot", IGNORE),
    ).to(recipient)


@letter("account_confirm")
def confirm(recipient: str, content: dict[str, Any]) -> EmailMessage | None:
    """Send the link of a registration again; nothing when none is waiting.

    When there are several, nobody knows whose is asked for: the mail lets its reader choose a
    password instead, which confirms the address as well.
    """
    user = User.objects.filter(email=recipient).first()
    if user is None or not account_awaits_confirmation(user):
        return None
    registrations = list(Registration.objects.filter(user=user)[:2])
    if len(registrations) == 1:
        return _confirmation(registrations[0], content)
    return Letter(
        "Confirm your e-mail address",
        ["Choose the password of your account: that confirms this address as well."],
        ("Choose a password", _reset_link(user, content)),
        ("The link works once, for one hour.", IGNORE),
    ).to(recipient)


def _confirmation(registration: Registration, content: dict[str, Any]) -> EmailMessage:
    user = registration.user
    after = ["The link works once, for three days.", IGNORE]
    if user.registrations.count() > 1:
        after.insert(
            0,
            "This address was registered more than once. This link is for the registration of "
            f"{registration.created_at:%d %B %Y, %H:%M:%S} UTC and its password alone. If you are "
            f"not sure that it is yours, choose a new password instead: {content['origin']}/forgot",
        )
    return Letter(
        "Confirm your e-mail address",
        [f"Welcome to {settings.PROJECT.name}. Confirm that this address is yours, then sign in."],
        (
            "Confirm this address",
            f"{content['origin']}/verify-email/{registration_key(registration)}",
        ),
        tuple(after),
    ).to(user.email)


def _reset_link(user: User, content: dict[str, Any]) -> str:
    uid, token = user_pk_to_url_str(user), default_token_generator.make_token(user)
    return f"{content['origin']}/reset/{uid}/{token}"


@letter("account_reset")
def reset(recipient: str, content: dict[str, Any]) -> EmailMessage | None:
    """The link that lets somebody choose a new password; nothing for an unknown address."""
    user = User.objects.filter(email=recipient, is_active=True).first()
    if user is None:
        return None
    return Letter(
        "Choose a new password",
        ["Somebody, hopefully you, asked for a new password for your account."],
        ("Choose a new password", _reset_link(user, content)),
        ("The link works once, for one hour.", IGNORE),
    ).to(recipient)


# A module may add its own.
NOTICES = {
    "password_changed": (
        "Your password was changed",
        "The password of your account was changed. Other devices and all API tokens were signed "
        "out.",
    ),
    "account_deleted": (
        "Your account was deleted",
        "Your account and everything that belonged to it were deleted.",
    ),
}


@letter("account_notice")
def notice(recipient: str, content: dict[str, Any]) -> EmailMessage:
    """Something about the account changed: the owner should know, whoever did it."""
    subject, sentence = NOTICES[content["what"]]
    return Letter(
        subject,
        [sentence],
        after=("If this was not you, choose a new password at once: “Forgot your password?”",)
        if content["what"] != "account_deleted"
        else (),
    ).to(recipient)
