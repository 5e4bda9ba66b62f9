"""The audit trail: a row for each thing that was done to an account, or by an administrator."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class AuditEvent(models.Model):
    """An audit event: who did what, the outcome, when and where. Only `services.py` writes it."""

    class Outcome(models.TextChoices):
        SUCCESS = "success"
        FAILURE = "failure"
        BLOCKED = "blocked", _("blocked (too many attempts)")

    created_at = models.DateTimeField(auto_now_add=True)
    event = models.CharField(max_length=60)
    outcome = models.CharField(max_length=10, choices=Outcome)
    # Without a constraint in the database: an event must never keep an account from being deleted.
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.SET_NULL,
        db_constraint=False,
        related_name="+",
    )
    email = models.CharField(
        max_length=254, blank=True, help_text="Of the actor at that time, or what was typed in."
    )
    ip_address = models.CharField(_("IP address"), max_length=64, blank=True)
    user_agent = models.CharField(max_length=200, blank=True)
    target = models.CharField(max_length=200, blank=True, help_text="What it was done to.")
    detail = models.CharField(max_length=500, blank=True)
    trace_id = models.CharField(_("trace ID"), max_length=64, blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["-created_at"], name="audit_newest"),
            models.Index(fields=["email", "-created_at"], name="audit_of_email"),
            models.Index(fields=["actor"], name="audit_of_actor"),
            models.Index(fields=["ip_address", "-created_at"], name="audit_of_address"),
            models.Index(fields=["event", "-created_at"], name="audit_of_event"),
            models.Index(
                fields=["trace_id"], condition=~models.Q(trace_id=""), name="audit_of_trace"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event} {self.outcome}: {self.email or 'somebody'}"
