"""Emails of accounts. Jobs write them, so that timing does not tell whether an account exists."""

from datetime import UTC
from typing import Any

from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.core.mail import EmailMessage
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from backend_django.mail.emails import Email, email_writer

from .email_change import EmailChange
from .models import Registration, User
from .registration_keys import registration_key
from .services import account_awaits_confirmation

IGNORE = gettext_noop("If this was not you, ignore this email. Nothing happens without the link.")


@email_writer("account_signup")
def signup(recipient: str, content: dict[str, Any]) -> EmailMessage | None:
    """Confirm this registration, or learn that there is an account already."""
    if content.get("registration"):
        registration = Registration.objects.filter(id=content["registration"]).first()
        return _confirmation(registration, content) if registration else None
    if not User.objects.filter(email=recipient, is_active=True).exists():
        return None
    origin = content["origin"]
    return Email(
        _("You already have an account"),
        [_("Someone tried to register with this address, which already has an account.")],
        (_("Sign in"), f"{origin}/login"),
        (
            _("Have you forgotten the password? Choose a new one at %(origin)s/forgot")
            % {"origin": origin},
            _(IGNORE),
        ),
    ).to(recipient)


@email_writer("account_confirm")
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
    return Email(
        _("Confirm your email address"),
        [_("Choose the password of your account: that confirms this address as well.")],
        (_("Choose a password"), _reset_link(user, content)),
        (_("The link works once, for one hour."), _(IGNORE)),
    ).to(recipient)


def _confirmation(registration: Registration, content: dict[str, Any]) -> EmailMessage:
    user = registration.user
    after = [_("The link works once, for three days."), _(IGNORE)]
    if user.registrations.count() > 1:
        after.insert(
            0,
            _(
                "This address was registered more than once. This link is for the registration of "
                "%(moment)s UTC and its password alone. If you are not sure that it is yours, "
                "choose a new password instead: %(origin)s/forgot"
            )
            % {
                "moment": date_format(registration.created_at.astimezone(UTC), _("j F Y, H:i:s")),
                "origin": content["origin"],
            },
        )
    return Email(
        _("Confirm your email address"),
        [
            _("Welcome to %(name)s. Confirm that this address is yours, then sign in.")
            % {"name": settings.PROJECT.name}
        ],
        (
            _("Confirm this address"),
            f"{content['origin']}/verify-email/{registration_key(registration)}",
        ),
        tuple(after),
    ).to(user.email)


def _reset_link(user: User, content: dict[str, Any]) -> str:
    uid, token = user_pk_to_url_str(user), default_token_generator.make_token(user)
    return f"{content['origin']}/reset/{uid}/{token}"


@email_writer("account_reset")
def reset(recipient: str, content: dict[str, Any]) -> EmailMessage | None:
    """The link that lets somebody choose a new password; nothing for an unknown address."""
    user = User.objects.filter(email=recipient, is_active=True).first()
    if user is None:
        return None
    return Email(
        _("Choose a new password"),
        [_("Somebody, hopefully you, asked for a new password for your account.")],
        (_("Choose a new password"), _reset_link(user, content)),
        (_("The link works once, for one hour."), _(IGNORE)),
    ).to(recipient)


@email_writer("account_email_change")
def email_change(recipient: str, content: dict[str, Any]) -> EmailMessage:
    """The link that makes this the email of an account, or that another account has it."""
    change, origin = EmailChange(**content["change"]), content["origin"]
    taken = User.objects.filter(email=recipient).first()
    if taken is not None and not account_awaits_confirmation(taken):
        return Email(
            _("You already have an account"),
            [
                _(
                    "Someone tried to use this address for another account. It has an account "
                    "already, so nothing was changed."
                )
            ],
            (_("Sign in"), f"{origin}/login"),
            (_(IGNORE),),
        ).to(recipient)
    return Email(
        _("Confirm your new email address"),
        [
            _(
                "Confirm that this address is yours. "
                "From then on you sign in with it, not with %(old)s."
            )
            % {"old": change.old}
        ],
        (_("Confirm this address"), f"{origin}/confirm-address/{change.key}"),
        (_("The link works once, for one day."), _(IGNORE)),
    ).to(recipient)


# Notices to which a new password is no answer.
FINAL = {"account_deleted", "email_changed"}
# A module may add its own, marked for translation.
NOTICES = {
    "password_changed": (
        gettext_noop("Your password was changed"),
        gettext_noop(
            "The password of your account was changed. Other devices and all API "
            "tokens were signed out."
        ),
    ),
    "email_change_asked": (
        gettext_noop("Another address for your account"),
        gettext_noop(
            "Someone with your password asked to use another email address for your account. "
            "It changes when the link in the email to that address is followed; a new password "
            "voids that link."
        ),
    ),
    "email_changed": (
        gettext_noop("Your email address was changed"),
        gettext_noop(
            "You sign in with another email address from now on. Nothing more is sent to this one."
        ),
    ),
    "account_deleted": (
        gettext_noop("Your account was deleted"),
        gettext_noop("Your account and everything that belonged to it were deleted."),
    ),
}


@email_writer("account_notice")
def notice(recipient: str, content: dict[str, Any]) -> EmailMessage:
    """Something about the account changed: the owner should know, whoever did it."""
    subject, sentence = NOTICES[content["what"]]
    return Email(
        _(subject),
        [_(sentence)],
        after=(_("If this was not you, choose a new password at once: “Forgot your password?”"),)
        if content["what"] not in FINAL
        else (),
    ).to(recipient)
