"""A mail that is to be sent: a row first, like a request, because a broker may forget."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class Mail(models.Model):
    """One mail to one or more addresses; only `services.py` writes it.

    It is due when `next_attempt_at` has come. A worker that takes it moves that time on, so that
    nobody else does, and somebody does should the worker die.
    """

    kind = models.CharField(max_length=40, help_text="How it is written: see letters.py.")
    recipient = models.CharField(max_length=320)
    # Emptied when the mail is gone: it may hold a link that lets somebody in.
    content = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)
    next_attempt_at = models.DateTimeField(db_default=Now())
    attempts = models.PositiveSmallIntegerField(default=0)
    finished_at = models.DateTimeField(null=True, help_text="Sent, given up, or not needed.")
    outcome = models.CharField(max_length=10, blank=True, help_text="sent, failed or dropped")
    error = models.CharField(max_length=300, blank=True, help_text="Of the last attempt.")

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(
                fields=["next_attempt_at"],
                condition=Q(finished_at__isnull=True),
                name="mail_due",
            ),
            models.Index(fields=["finished_at"], name="mail_finished"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(finished_at__isnull=True, outcome="")
                | Q(finished_at__isnull=False, outcome__in=["sent", "failed", "dropped"]),
                name="mail_outcome_when_finished",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} to {self.recipient}: {self.outcome or 'waiting'}"
