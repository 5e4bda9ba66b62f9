"""The outbox in the admin: what waits, what was sent, what failed and why. Never the content."""

from django.contrib import admin

from backend_django.utils.admin import ReadOnly

from .models import Mail


@admin.register(Mail)
class MailAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ["created_at", "kind", "recipient", "outcome", "attempts", "error"]
    list_filter = ["outcome", "kind", "created_at"]
    search_fields = ["recipient"]
    fields = ["kind", "recipient", "outcome", "attempts", "error",
              "created_at", "next_attempt_at", "finished_at"]  # fmt: skip
