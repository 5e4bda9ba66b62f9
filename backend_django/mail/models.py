"""A mail that is to be sent: a row first, like a request, because a broker may forget."""

from django.db import models

from backend_django.utils.outbox import OutboxRow


class Mail(OutboxRow):
    """One mail to one or more addresses; only `services.py` writes it."""

    kind = models.CharField(max_length=40, help_text="How it is written: see emails.py.")
    recipient = models.CharField(max_length=320)
    # Emptied when the mail is gone: it may hold a link that lets somebody in.
    content = models.JSONField(default=dict)

    class Meta(OutboxRow.Meta):
        abstract = False

    def __str__(self) -> str:
        return f"{self.kind} to {self.recipient}: {self.outcome or 'waiting'}"
