"""Notifications, preferences, webhooks and deliveries over the wire."""

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.fields import empty

from backend_django.api.queries import QueryBooleanField
from backend_django.api.serializers import TextField
from backend_django.utils.translation import translate_stored

from ..deliveries import message_of
from ..inbox import COUNTED
from ..models import Notification, NotificationPreference, Webhook, WebhookDelivery


class NotificationPreferenceSerializer(serializers.ModelSerializer[NotificationPreference]):
    """A user's preferences: notify in the app, through the browser, by email."""

    class Meta:
        model = NotificationPreference
        fields = ["page", "browser", "mail"]


class NotificationSerializer(serializers.ModelSerializer[Notification]):
    """A notification in the app: of a request, or of a batch once all of it has ended."""

    text = serializers.SerializerMethodField(help_text="One sentence.")

    class Meta:
        model = Notification
        fields = [
            "id", "kind", "request_kind", "request", "batch", "text", "created_at", "read_at",
        ]  # fmt: skip
        read_only_fields = fields

    def get_text(self, notification: Notification) -> str:
        return translate_stored(notification.text, notification.made_of)


class NotificationListQuery(serializers.Serializer[Any]):
    """The filters of the list of notifications."""

    unread = QueryBooleanField(required=False, help_text="`true`: only those that are not read.")


class NotificationReadSerializer(serializers.Serializer[Any]):
    """The notifications to mark as read: some, those of a request, or all."""

    ids = serializers.ListField(
        child=serializers.UUIDField(), allow_empty=False, max_length=100, required=False
    )
    request = serializers.UUIDField(required=False, help_text="Id of the request they are about.")
    all = serializers.BooleanField(required=False, help_text="`true`: all of them.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if len(attrs) != 1 or attrs.get("all") is False:
            raise serializers.ValidationError(_("Send one of `ids`, `request`, or `all` as true."))
        return attrs


class UnreadSerializer(serializers.Serializer[Any]):
    """The number of unread notifications."""

    count = serializers.IntegerField(
        min_value=0, max_value=COUNTED, help_text="More than 1,000 are not counted."
    )


class EventsField(serializers.ListField):
    """Some of the events, each once."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            child=serializers.ChoiceField(choices=Webhook.Event.values),
            allow_empty=False,
            max_length=len(Webhook.Event),
            **options,
        )

    def run_validation(self, data: Any = empty) -> Any:
        given = super().run_validation(data)
        return [event for event in Webhook.Event.values if event in given]


class WebhookSerializer(serializers.ModelSerializer[Webhook]):
    """A webhook, without its secret."""

    url = TextField(max_length=2000, help_text="Begins with https://.")
    events = EventsField(help_text="Which events are delivered.")
    disabled_reason = serializers.ChoiceField(
        choices=Webhook.DisabledReason.choices, allow_blank=True, read_only=True
    )

    class Meta:
        model = Webhook
        fields = [
            "id", "url", "events", "is_enabled", "disabled_reason", "failing_since", "created_at",
        ]  # fmt: skip
        read_only_fields = ["id", "disabled_reason", "failing_since", "created_at"]


class WebhookCreateSerializer(serializers.Serializer[Any]):
    """A new webhook."""

    url = TextField(max_length=2000, help_text="Begins with https://.")
    events = EventsField(help_text="Which events are delivered.")


class WebhookUpdateSerializer(WebhookCreateSerializer):
    """Changes to a webhook."""

    url = TextField(max_length=2000, required=False, help_text="Begins with https://.")
    events = EventsField(required=False, help_text="Which events are delivered.")
    is_enabled = serializers.BooleanField(required=False)


class WebhookSecretSerializer(serializers.Serializer[Any]):
    """A secret, which is shown this once."""

    secret = serializers.CharField(read_only=True, help_text="`whsec_` and base64.")


class NewWebhookSerializer(WebhookSerializer):
    """A webhook with its secret, which is shown this once."""

    secret = serializers.CharField(read_only=True, help_text="`whsec_` and base64.")

    class Meta(WebhookSerializer.Meta):
        fields = [*WebhookSerializer.Meta.fields, "secret"]


class WebhookDeliverySerializer(serializers.ModelSerializer[WebhookDelivery]):
    """One event for one webhook, and what came of its last attempt."""

    status = serializers.SerializerMethodField()
    next_attempt_at = serializers.SerializerMethodField(help_text="While it is pending.")
    message = serializers.SerializerMethodField(help_text="The body of the call.")
    error = serializers.SerializerMethodField(help_text="Why the last attempt failed.")

    class Meta:
        model = WebhookDelivery
        fields = [
            "id", "event", "status", "attempts", "status_code", "seconds", "error", "response",
            "message", "created_at", "next_attempt_at", "finished_at",
        ]  # fmt: skip
        read_only_fields = fields

    @extend_schema_field({"type": "string", "enum": ["pending", "sent", "failed", "dropped"]})
    def get_status(self, delivery: WebhookDelivery) -> str:
        return delivery.outcome or "pending"

    @extend_schema_field({"type": "string", "format": "date-time", "nullable": True})
    def get_next_attempt_at(self, delivery: WebhookDelivery) -> str | None:
        pending = not delivery.finished_at
        return (
            serializers.DateTimeField().to_representation(delivery.next_attempt_at)
            if pending
            else None
        )

    def get_error(self, delivery: WebhookDelivery) -> str:
        return translate_stored(delivery.error, delivery.error_made_of)

    @extend_schema_field({"type": "object", "additionalProperties": {}})
    def get_message(self, delivery: WebhookDelivery) -> dict[str, Any]:
        return message_of(delivery)
