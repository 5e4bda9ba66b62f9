"""Requests in the admin: to look at, to cancel, to try again, but never to edit.

A state that was typed in would be a lie to the worker that has the request.
"""

from collections.abc import Callable

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from backend_django.utils.admin import ReadOnly
from backend_django.utils.errors import DomainError

from . import services
from .models import ProcessingAttempt, ProcessingRequest


class AttemptInline(ReadOnly, admin.TabularInline):
    model = ProcessingAttempt
    fields = ["number", "worker", "outcome", "error_code", "started_at", "finished_at"]
    extra = 0


@admin.register(ProcessingRequest)
class ProcessingRequestAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ["name", "kind", "owner", "status", "progress", "attempt", "created_at"]
    list_filter = ["status", "kind", "error_code", "created_at"]
    search_fields = ["id", "name", "owner__email", "input_name"]
    list_select_related = ["owner"]
    date_hierarchy = "created_at"
    inlines = [AttemptInline]
    actions = ["cancel", "retry"]

    def has_operate_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("processing.change_processingrequest")

    @admin.action(description="Cancel the selected requests", permissions=["operate"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[ProcessingRequest]) -> None:
        self._each(request, queryset, services.request_cancel, "cancelled")

    @admin.action(description="Try the selected requests again", permissions=["operate"])
    def retry(self, request: HttpRequest, queryset: QuerySet[ProcessingRequest]) -> None:
        self._each(request, queryset, services.request_retry, "started again")

    def _each(
        self,
        request: HttpRequest,
        queryset: QuerySet[ProcessingRequest],
        act: Callable[..., None],
        done: str,
    ) -> None:
        count = 0
        for found in queryset:
            try:
                act(request=found)
                count += 1
            except DomainError as error:
                self.message_user(request, f"{found}: {error.message}", messages.WARNING)
        self.message_user(request, f"{count} requests {done}.")
