"""Writing of emails: in the job, by a function registered for their kind.

Written there and not in the request, so that a request does the same work, and takes the same time,
whether or not the address has an account.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.template.loader import render_to_string

Writer = Callable[[str, dict[str, Any]], EmailMessage | None]
_writers: dict[str, Writer] = {}


class UnknownKindError(LookupError):
    """Nobody writes mails of this kind (any more)."""


def email_writer(kind: str) -> Callable[[Writer], Writer]:
    """Register what writes mails of a kind, from recipient and content; None: nothing to send."""

    def register(writer: Writer) -> Writer:
        _writers[kind] = writer
        return writer

    return register


def write(kind: str, recipient: str, content: dict[str, Any]) -> EmailMessage | None:
    """Return the mail, ready to be sent, or None when there is nothing to send.

    Raises:
        UnknownKindError: nobody registered for this kind.
    """
    try:
        writer = _writers[kind]
    except KeyError:
        raise UnknownKindError(kind) from None
    return writer(recipient, content)


@dataclass(frozen=True)
class Email:
    """A mail in the product's own words: paragraphs, and at most one thing to do."""

    subject: str
    paragraphs: list[str]
    action: tuple[str, str] | None = None  # label and address
    after: tuple[str, ...] = ()

    def to(self, recipient: str) -> EmailMessage:
        context = {"email": self, "project": settings.PROJECT}
        subject = " ".join(self.subject.split())  # names in it may have line breaks, a header none
        message = EmailMultiAlternatives(
            subject, render_to_string("mail/email.txt", context), to=[recipient]
        )
        message.attach_alternative(render_to_string("mail/email.html", context), "text/html")
        return message


@email_writer("message")
def finished_message(recipient: str, content: dict[str, Any]) -> EmailMessage:
    """Build an email that other code wrote and handed to Django (backend.py)."""
    message = EmailMultiAlternatives(**content["fields"])
    for text, mimetype in content["alternatives"]:
        message.attach_alternative(text, mimetype)
    message.content_subtype = content["subtype"]
    return message
