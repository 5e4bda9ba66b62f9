"""The outbox in the admin: what waits, what was sent, what failed and why. Never the content."""

from django.contrib import admin
from django.http import HttpRequest

from .models import Mail


@admin.register(Mail)
class MailAdmin(admin.ModelAdmin):
    list_display = ["created_at", "kind", "recipient", "outcome", "attempts", "error"]
    list_filter = ["outcome", "kind", "created_at"]
    search_fields = ["recipient"]
    fields = ["kind", "recipient", "outcome", "attempts", "error",
              "created_at", "published_at", "next_attempt_at", "finished_at"]  # fmt: skip

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False
