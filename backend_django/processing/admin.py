from django.contrib import admin
from django.http import HttpRequest

from .models import ProcessingRequest


@admin.register(ProcessingRequest)
class ProcessingRequestAdmin(admin.ModelAdmin):
    """To look, not to edit: the state belongs to the lifecycle."""

    list_display = ["name", "kind", "owner", "status", "progress", "attempt", "created_at"]
    list_filter = ["status", "kind", "created_at"]
    search_fields = ["id", "name", "owner__email", "input_name"]
    list_select_related = ["owner"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False
