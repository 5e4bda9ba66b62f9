"""Webhooks and their deliveries in the admin: to look at, and to disable. Never a secret."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from backend_django.utils.admin import ReadOnly

from .models import Webhook, WebhookDelivery
from .services import webhook_disable


@admin.register(Webhook)
class WebhookAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ["url", "owner", "is_enabled", "disabled_reason", "failing_since", "created_at"]
    list_filter = ["is_enabled", "disabled_reason"]
    list_select_related = ["owner"]
    search_fields = ["id", "url", "owner__email"]
    fields = ["owner", "url", "events", "is_enabled", "disabled_reason", "failing_since",
              "away_until", "created_at"]  # fmt: skip
    actions = ["disable"]

    def has_operate_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("notifications.change_webhook")

    @admin.action(description=lazy("Disable the selected webhooks"), permissions=["operate"])
    def disable(self, request: HttpRequest, queryset: QuerySet[Webhook]) -> None:
        for webhook in queryset.select_related("owner"):
            webhook_disable(webhook=webhook, reason=Webhook.DisabledReason.ADMIN)
        self.message_user(request, _("%(count)s webhooks disabled.") % {"count": len(queryset)})


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ["created_at", "webhook", "event", "outcome", "attempts", "status_code", "error"]
    list_filter = ["outcome", "event", "created_at"]
    list_select_related = ["webhook"]
    search_fields = ["id", "webhook__id", "webhook__url", "webhook__owner__email"]
    fields = ["webhook", "event", "outcome", "attempts", "status_code", "seconds", "error",
              "created_at", "next_attempt_at", "finished_at"]  # fmt: skip
