"""Teams in the admin: who is in them, and help for an hour, which the team sees."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backend_django.utils.admin import ReadOnly
from backend_django.utils.errors import Conflict
from backend_django.utils.translation import translate

from . import services
from .models import Membership, Team


class MembershipInline(ReadOnly, admin.TabularInline):
    model = Membership
    fields = ["user", "role", "expires_at", "created_at"]
    extra = 0


@admin.register(Team)
class TeamAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ["name", "created_at"]
    list_select_related = ["account"]
    search_fields = ["id", "account__name", "memberships__user__email"]
    fields = ["name", "id", "created_at"]
    readonly_fields = ["name"]
    inlines = [MembershipInline]
    actions = ["support", "remove"]

    @admin.display(ordering="account__name")
    def name(self, team: Team) -> str:
        return team.name

    def _say(self, request: HttpRequest, team: Team, error: Conflict) -> None:
        self.message_user(request, f"{team}: {translate(error.message)}", messages.WARNING)

    def has_support_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("teams.change_team")

    def has_remove_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("teams.delete_team")

    @admin.action(
        description=gettext_lazy("Act for the selected teams for an hour"), permissions=["support"]
    )
    def support(self, request: HttpRequest, queryset: QuerySet[Team]) -> None:
        user: Any = request.user
        for team in queryset:
            try:
                services.support_begin(team=team, user=user)
            except Conflict as error:
                self._say(request, team, error)
            else:
                text = _("You act for %(team)s until an hour from now. Its members see it.")
                self.message_user(request, text % {"team": team})

    @admin.action(
        description=gettext_lazy("Delete the selected teams with all they have"),
        permissions=["remove"],
    )
    def remove(self, request: HttpRequest, queryset: QuerySet[Team]) -> None:
        for team in queryset:
            try:
                services.team_delete(team=team)
            except Conflict as error:
                self._say(request, team, error)
