"""The audit trail in the admin: to search, never to edit."""

from functools import reduce
from operator import or_

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from backend_django.utils.admin import ReadOnly

from .models import AuditEvent


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ["created_at", "event", "outcome", "email", "ip_address", "target", "detail"]
    list_filter = ["outcome", "created_at"]
    search_fields = ["email", "ip_address", "trace_id", "event"]
    search_help_text = _("A whole email, IP address, trace ID or event.")
    show_full_result_count = False
    fields = ["created_at", "event", "outcome", "actor", "email", "ip_address", "user_agent",
              "target", "detail", "trace_id"]  # fmt: skip

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[AuditEvent], search_term: str
    ) -> tuple[QuerySet[AuditEvent], bool]:
        """Find what is the same: a part of a word would be looked for in every row there is."""
        if not (text := search_term.strip()):
            return queryset, False
        same = [Q(**{field: text}) for field in self.search_fields]
        return queryset.filter(reduce(or_, same, Q(email=text.lower()))), False
