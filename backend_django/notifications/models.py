"""Preferences, notifications, webhooks and the deliveries to them."""

import logging
from uuid import uuid4

from django.conf import settings
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from backend_django.processing.models import ProcessingRequest
from backend_django.utils.outbox import OutboxRow

TEST_EVENT = "webhook.test"


class NotificationPreference(models.Model):
    """A user's preferences; users without a row have the defaults."""

    class When(models.TextChoices):
        NEVER = "never"
        FAILED = "failed", "when a request fails"
        ENDED = "ended", "when a request completes or fails"

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="notification_preference",
    )
    page = models.CharField(
        max_length=10, choices=When, default=When.ENDED, db_default=When.ENDED,
        help_text="When a notification is shown in the app.",
    )  # fmt: skip
    browser = models.CharField(
        max_length=10, choices=When, default=When.NEVER, db_default=When.NEVER,
        help_text="When an open page in the background shows one outside of it.",
    )  # fmt: skip
    mail = models.CharField(
        max_length=10, choices=When, default=When.NEVER, help_text="When an email is sent."
    )

    def __str__(self) -> str:
        return f"{self.user_id}: page {self.page}, browser {self.browser}, mail {self.mail}"


class Notification(models.Model):
    """A notification in the app; the transaction that ends the request writes it."""

    class Kind(models.TextChoices):
        COMPLETED = "request.completed"
        FAILED = "request.failed"
        BATCH_COMPLETED = "batch.completed"
        BATCH_FAILED = "batch.failed", "batch of which requests failed"

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notifications",
        db_index=False,  # the list is one
    )  # fmt: skip
    kind = models.CharField(max_length=20, choices=Kind)
    request = models.ForeignKey(
        ProcessingRequest, null=True, on_delete=models.CASCADE, related_name="notifications"
    )
    batch = models.UUIDField(null=True, help_text="Or the batch that it is about.")
    request_kind = models.CharField(max_length=50)
    text = models.TextField(help_text="One sentence.")
    made_of = models.JSONField(null=True, help_text="What it was composed of (utils/messages).")
    created_at = models.DateTimeField(db_default=Now())
    read_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["user", "-created_at", "-id"], name="notification_list"),
            models.Index(
                fields=["user"], condition=Q(read_at__isnull=True), name="notification_unread"
            ),
            BrinIndex(fields=["created_at"], name="notification_age"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "batch"],
                condition=Q(batch__isnull=False),
                name="notification_once_per_batch",
            ),
        ]

    def __str__(self) -> str:
        return self.text


class Webhook(models.Model):
    """A URL of a user's that is called when requests of theirs end."""

    class Event(models.TextChoices):
        COMPLETED = "request.completed"
        FAILED = "request.failed"
        CANCELLED = "request.cancelled"

    class DisabledReason(models.TextChoices):
        OWNER = "owner", "disabled by its owner"
        ADMIN = "admin", "disabled by an admin"
        GONE = "gone", "the receiver responded 410 Gone"
        FAILING = "failing", "no delivery succeeded for days"

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="webhooks"
    )
    url = models.CharField(max_length=2000)
    events = models.JSONField(help_text="Which events are delivered.")
    secret = models.CharField(max_length=400, help_text="Encrypted.")
    previous_secret = models.CharField(max_length=400, blank=True, help_text="Encrypted.")
    previous_secret_until = models.DateTimeField(
        null=True, help_text="It signs as well until then."
    )
    is_enabled = models.BooleanField(default=True)
    disabled_reason = models.CharField(max_length=10, choices=DisabledReason, blank=True)
    failing_since = models.DateTimeField(null=True, help_text="No delivery has succeeded since.")
    # A receiver that does not respond costs a worker seconds each time: all its deliveries wait.
    away_until = models.DateTimeField(null=True, help_text="It is not called before.")
    times_away = models.PositiveSmallIntegerField(default=0, help_text="In a row.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["created_at", "id"]

    def __str__(self) -> str:
        return self.url


class WebhookDelivery(OutboxRow):
    """One event for one webhook, with what came of its last attempt."""

    failure_level = logging.INFO  # a receiver that fails is its owner's matter

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries")
    event = models.CharField(max_length=40)
    payload = models.JSONField(help_text="Without the links, which are added when it is sent.")
    status_code = models.PositiveSmallIntegerField(null=True, help_text="Of the last response.")
    response = models.CharField(max_length=1000, blank=True, help_text="Its beginning.")
    seconds = models.FloatField(null=True, help_text="That the last attempt took.")
    error_made_of = models.JSONField(
        null=True,
        editable=False,
        help_text="What `error` was composed of (utils/messages).",
    )

    class Meta(OutboxRow.Meta):
        abstract = False
        verbose_name_plural = "webhook deliveries"
        indexes = [
            *OutboxRow.Meta.indexes,
            models.Index(fields=["webhook", "-created_at", "-id"], name="webhookdelivery_log"),
        ]

    def __str__(self) -> str:
        return f"{self.event} to {self.webhook_id}: {self.outcome or 'pending'}"
