"""Flags in the admin."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from .models import Flag


@admin.register(Flag)
class FlagAdmin(admin.ModelAdmin):
    list_display = ["name", "everyone", "percent", "note", "modified"]
    list_filter = ["everyone"]
    search_fields = ["name", "note"]
    autocomplete_fields = ["users", "groups"]
    readonly_fields = ["created", "modified"]
    fieldsets = [
        (None, {"fields": ["name", "note"]}),
        (_("For everybody, or for nobody"), {"fields": ["everyone"]}),
        (
            _("For some, while “Everyone” is unknown"),
            {"fields": ["users", "percent", "groups", "staff", "superusers", "authenticated"]},
        ),
        (_("Dates"), {"fields": ["created", "modified"]}),
    ]

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        if db_field.name == "users":
            options["help_text"] = _("The accounts that have it, and that one acts for.")
        return super().formfield_for_manytomany(db_field, request, **options)
