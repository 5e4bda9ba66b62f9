"""Emails to owners about their requests."""

from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from backend_django.mail.emails import Email, email_writer
from backend_django.mail.services import mail_gather
from backend_django.policies import visible
from backend_django.processing.models import ProcessingRequest
from backend_django.users.models import User
from backend_django.utils.site import page_url
from backend_django.utils.translation import translate

from .deliveries import request_links
from .models import Webhook
from .sentences import ENDED, ended_sentence, ended_title

SHOWN = 20  # of the requests that one mail is about


def ended_mails_queue(ended: dict[str, list[str]]) -> None:
    """Have people told which requests of theirs have ended: soon, and in one mail for many.

    Args:
        ended: ids of requests by email address.
    """
    for email, ids in sorted(ended.items()):  # in one order, as each locks a row
        if ids:
            mail_gather(
                kind="requests_ended",
                recipient=email,
                items=ids,
                seconds=settings.NOTIFICATION_MAIL_DELAY_SECONDS,  # type: ignore[misc]
            )


@email_writer("requests_ended")
def requests_ended(recipient: str, content: dict[str, Any]) -> EmailMessage | None:
    """Tell which requests have ended, of those that are neither deleted nor started again since.

    Nor of those that the recipient may not see any more.
    """
    user = User.objects.filter(email=recipient, is_active=True).first()
    if user is None:
        return None
    found = ProcessingRequest.objects.filter(
        Q(created_by=user) | Q(created_by=None, owner=user),
        id__in=content["items"],
        status__in=list(ENDED),
    )
    requests = list(visible(found, user).order_by("finished_at", "id"))
    if not requests:
        return None
    if len(requests) == 1:
        subject, links = (
            translate(ended_title(requests[0])),
            request_links(requests[0].kind, requests[0].id),
        )
    else:
        failed = sum(request.status == "failed" for request in requests)
        subject, links = (
            _("%(requests)s requests have ended, %(failed)s failed")
            % {"requests": len(requests), "failed": failed},
            {},
        )
    lines = [translate(ended_sentence(request)) for request in requests[:SHOWN]]
    if more := len(requests) - len(lines):
        lines.append(_("And %(more)s more.") % {"more": more})
    return Email(
        subject,
        lines,
        (_("See it") if links else _("See them"), links.get("page", page_url())),
        (_("You asked for these mails. Change that at %(site)s/account") % {"site": page_url()},),
    ).to(recipient)


WHY_DISABLED = {
    Webhook.DisabledReason.GONE: gettext_noop("The receiver responded 410 Gone."),
    Webhook.DisabledReason.FAILING: gettext_noop("No delivery has succeeded for days."),
    Webhook.DisabledReason.ADMIN: gettext_noop("An admin disabled it."),
}


@email_writer("webhook_disabled")
def webhook_disabled(recipient: str, content: dict[str, Any]) -> EmailMessage:
    """A webhook is called no more."""
    return Email(
        _("Your webhook was disabled"),
        [
            _("%(url)s is not called any more. %(reason)s")
            % {"url": content["url"], "reason": _(WHY_DISABLED[content["reason"]])},
            _(
                "The log of its deliveries says more. When the receiver works again, "
                "enable it there."
            ),
        ],
        (_("See your webhooks"), page_url("/account")),
    ).to(recipient)
