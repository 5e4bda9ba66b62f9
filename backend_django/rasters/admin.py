"""Links in the admin: to see who shows what to whom, and to revoke."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from backend_django.utils.admin import ReadOnly

from . import services
from .models import RasterShare


@admin.register(RasterShare)
class RasterShareAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ["request", "owner", "note", "allow_download", "expires_at", "created_at"]
    list_filter = ["allow_download", "expires_at", "created_at"]
    list_select_related = ["request__owner"]
    search_fields = ["id", "note", "request__id", "request__name", "request__owner__email"]
    fields = ["request", "owner", "note", "allow_download", "expires_at"]
    readonly_fields = ["owner"]
    actions = ["revoke"]

    @admin.display(ordering="request__owner__email")
    def owner(self, share: RasterShare) -> str:
        return str(share.request.owner)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("rasters.delete_rastershare")

    @admin.action(description=gettext_lazy("Revoke the selected links"), permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[RasterShare]) -> None:
        shares = list(queryset)
        for share in shares:
            services.share_revoke(share=share)
        self.message_user(request, f"{len(shares)} links revoked.")
