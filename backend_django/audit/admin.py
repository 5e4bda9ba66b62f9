"""The audit trail in the admin: to search, never to edit."""

from django.contrib import admin

from backend_django.utils.admin import ReadOnly

from .models import AuditEvent


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ["created_at", "event", "outcome", "email", "ip_address", "target", "detail"]
    list_filter = ["event", "outcome", "created_at"]
    search_fields = ["email", "ip_address", "target", "trace_id"]
    date_hierarchy = "created_at"
    show_full_result_count = False
    fields = ["created_at", "event", "outcome", "actor", "email", "ip_address", "user_agent",
              "target", "detail", "trace_id"]  # fmt: skip
