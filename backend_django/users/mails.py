"""What accounts write to people. Written in the job, where looking somebody up tells nobody."""

from typing import Any

from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.core.mail import EmailMessage

from backend_django.mail.letters import Letter, letter

from .models import User

IGNORE = "If this was not you, ignore this mail. Nothing happens without the link."


@letter("account_signup")
def signup(recipient: str, content: dict[str, Any]) -> EmailMessage | None:
    """Somebody registered with this address: confirm it, or learn that there is an account."""
    if confirmation := confirm(recipient, content):
        return confirmation
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
    """The link that proves an address; nothing for one that is proved or unknown."""
    address = EmailAddress.objects.filter(
        email=recipient, verified=False, user__is_active=True
    ).first()
    if address is None:
        return None
    key = EmailConfirmationHMAC.create(address).key
    return Letter(
        "Confirm your e-mail address",
        [f"Welcome to {settings.PROJECT.name}. Confirm that this address is yours, then sign in."],
        ("Confirm this address", f"{content['origin']}/verify-email/{key}"),
        ("The link works once, for three days.", IGNORE),
    ).to(recipient)


@letter("account_reset")
def reset(recipient: str, content: dict[str, Any]) -> EmailMessage | None:
    """The link that lets somebody choose a new password; nothing for an unknown address."""
    user = User.objects.filter(email=recipient, is_active=True).first()
    if user is None:
        return None
    uid, token = user_pk_to_url_str(user), default_token_generator.make_token(user)
    return Letter(
        "Choose a new password",
        ["Somebody, hopefully you, asked for a new password for your account."],
        ("Choose a new password", f"{content['origin']}/reset/{uid}/{token}"),
        ("The link works once, for one hour.", IGNORE),
    ).to(recipient)


# A part may add its own.
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
