"""The second step in the admin: whose it is, and to turn it off for who has lost it."""

from typing import Any

import allauth.mfa.admin  # noqa: F401 (registers what is replaced here)
from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from backend_django.utils.admin import ReadOnly

from .services import mfa_deactivate

admin.site.unregister(Authenticator)


@admin.register(Authenticator)
class AuthenticatorAdmin(ReadOnly, admin.ModelAdmin):
    """Nobody sets a secret here, and nobody turns off their own: that asks for a code."""

    list_display = ["user", "type", "created_at", "last_used_at"]
    fields = ["user", "type", "created_at", "last_used_at"]
    search_fields = ["user__email"]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        may = admin.ModelAdmin.has_delete_permission(self, request, obj)
        return may and (obj is None or obj.user_id != request.user.pk)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        mfa_deactivate(user=obj.user)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Authenticator]) -> None:
        for authenticator in queryset.select_related("user"):
            mfa_deactivate(user=authenticator.user)
