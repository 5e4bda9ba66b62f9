from typing import Any

from allauth.usersessions.admin import UserSessionAdmin
from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from backend_django.audit.services import event_record
from backend_django.utils.admin import ReadOnly
from backend_django.utils.site import page_path

from .models import ApiToken, User
from .services import address_forget, sessions_end

UserSessionAdmin.search_fields = ["user__email", "ip"]  # their own name a column that is not here


class ApiTokenInline(ReadOnly, admin.TabularInline):
    model = ApiToken
    fields = ["name", "hint", "limits", "created_at", "last_used_at"]
    readonly_fields = ["limits", "created_at"]
    extra = 0


@admin.register(User)
class UserAdmin(DjangoUserAdmin):
    ordering = ["email"]
    list_per_page = 50
    list_display = ["email", "name", "is_active", "is_staff", "last_login"]
    search_fields = ["email", "name"]
    fieldsets = [
        (None, {"fields": ["email", "password"]}),
        (lazy("Person"), {"fields": ["name", "language"]}),
        (
            lazy("Permissions"),
            {"fields": ["is_active", "is_staff", "is_superuser", "groups"]},
        ),
        (lazy("Dates"), {"fields": ["last_login", "date_joined"]}),
    ]
    add_fieldsets = [(None, {"classes": ["wide"], "fields": ["email", "password1", "password2"]})]

    actions = ["end_sessions"]

    def get_inlines(self, request: HttpRequest, obj: User | None) -> list[Any]:
        return [ApiTokenInline] if obj else []

    @admin.action(
        description=lazy("Sign the selected users out everywhere"), permissions=["change"]
    )
    def end_sessions(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for user in queryset:
            sessions_end(user=user)
        self.message_user(request, _("%(count)s users signed out.") % {"count": len(queryset)})

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> Any:
        """Set the password of others: one's own asks for more, on the account page."""
        if self.get_object(request, unquote(id)) != request.user:
            return super().user_change_password(request, id, form_url)
        if request.method == "POST":
            raise PermissionDenied
        return HttpResponseRedirect(page_path("/account"))

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        own = ["email"] if obj == request.user else []  # its account page asks for more, too
        return [*super().get_readonly_fields(request, obj), *own]

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        if change:  # nothing else: the account's owner may be changing it, too
            columns = {field.name for field in obj._meta.concrete_fields}
            obj.save(update_fields=columns.intersection(form.changed_data))
        else:
            super().save_model(request, obj, form, change)
        if change and "email" in form.changed_data:
            address_forget(user=obj)
        if change and "is_active" in form.changed_data:
            event = "account_activated" if obj.is_active else "account_deactivated"
            event_record(event=event, target=obj.email)
