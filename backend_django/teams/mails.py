"""Emails to people who are invited to join a team."""

from typing import Any

from django.core.mail import EmailMessage
from django.utils.formats import date_format
from django.utils.timezone import localtime, now
from django.utils.translation import gettext as _

from backend_django.mail.emails import Email, email_writer

from .models import Invitation


@email_writer("team_invitation")
def invitation(recipient: str, content: dict[str, Any]) -> EmailMessage | None:
    """Ask somebody to join; nothing when the invitation was withdrawn or accepted meanwhile."""
    found = (
        Invitation.objects.filter(id=content["invitation"], email=recipient, expires_at__gt=now())
        .select_related("team__account", "invited_by")
        .first()
    )
    if found is None:
        return None
    names = {"team": found.team.name, "person": _name(found)}
    return Email(
        _("Join the team %(team)s") % names,
        [
            _("%(person)s invites you to the team “%(team)s”.") % names,
            _("Sign in with this email address, or create an account for it, and accept."),
        ],
        (_("See the invitation"), f"{content['origin']}/account#teams"),
        (
            _("The invitation is good until %(day)s.")
            % {"day": date_format(localtime(found.expires_at), "DATE_FORMAT")},
            _("If you don't expect it, ignore this email."),
        ),
    ).to(recipient)


def _name(found: Invitation) -> str:
    if found.invited_by is None:
        return _("Somebody")
    return found.invited_by.name or found.invited_by.email
