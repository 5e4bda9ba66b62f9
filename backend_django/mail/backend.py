"""Django's door to the outbox: whoever sends mail with Django puts a row into it."""

from collections.abc import Sequence

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from .services import mail_queue


class OutboxBackend(BaseEmailBackend):
    """For EMAIL_BACKEND. What really delivers is MAIL_DELIVERY_BACKEND, in the job."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        for message in email_messages:
            if message.attachments:
                raise ValueError(
                    "The outbox keeps no attachments: register an email (mail/emails.py) that "
                    "makes the attachment when it is sent."
                )
            headers = {k: str(v) for k, v in message.extra_headers.items()}
            for name, addresses in (("To", message.to), ("Cc", message.cc)):
                if addresses:
                    headers.setdefault(name, ", ".join(addresses))
            # A row for each: who is refused for now is tried again, and nobody gets it twice.
            for recipient in message.recipients():
                mail_queue(
                    kind="message",
                    recipient=recipient[:320],
                    content={
                        "fields": {
                            "subject": str(message.subject),
                            "body": str(message.body),
                            "from_email": message.from_email,
                            "to": [recipient],
                            "reply_to": list(message.reply_to),
                            "headers": headers,
                        },
                        "alternatives": [
                            [str(text), mimetype]
                            for text, mimetype in getattr(message, "alternatives", [])
                        ],
                        "subtype": message.content_subtype,
                    },
                )
        return len(email_messages)
