"""Requests in the admin: to look at, to cancel, to retry, but never to edit.

A state that was typed in would be a lie to the worker that has the request.
"""

from contextlib import suppress
from functools import cached_property
from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from backend_django.users.models import User
from backend_django.utils.admin import ReadOnly
from backend_django.utils.translation import number, translate

from . import bulk
from .archives import archive_create, archive_path
from .models import PausedKind, ProcessingAttempt, ProcessingRequest
from .queries import COUNTED, filter_by_words
from .registry import list_kinds
from .services import kind_pause, kinds_resume

NAMED = 3  # refused requests in a message
LATEST_FAILED = 1000
MOST_OWNERS = 100  # whose emails have what is searched for
MOST_CONFIRMED = 900  # fields of a form; Django takes a thousand


class AttemptInline(ReadOnly, admin.TabularInline):
    model = ProcessingAttempt
    fields = [
        "number", "worker", "outcome", "error_code", "started_at", "finished_at",
        "traceback", "log",
    ]  # fmt: skip
    extra = 0


class KindFilter(admin.SimpleListFilter):
    """Django's own would read all requests to learn of their kinds."""

    title, parameter_name = lazy("kind"), "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(kind, kind) for kind in sorted(list_kinds())]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(kind=self.value()) if self.value() else queryset


class ErrorFilter(admin.SimpleListFilter):
    """The errors of the latest failed requests."""

    title, parameter_name = lazy("error"), "error_code"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        failed = ProcessingRequest.objects.filter(status=ProcessingRequest.Status.FAILED)
        codes = failed.order_by("-created_at", "-id").values_list("error_code", flat=True)
        return [(code, code) for code in sorted(set(codes[:LATEST_FAILED]))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.value():
            return queryset
        failed = ProcessingRequest.Status.FAILED  # for the index
        return queryset.filter(error_code=self.value(), status=failed)


class BoundedPaginator(Paginator):
    """Counts no further than anybody pages."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by()[:COUNTED].count())


@admin.register(ProcessingRequest)
class ProcessingRequestAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ["name", "kind", "owner", "status", "progress", "attempt", "created_at"]
    list_filter = ["status", KindFilter, ErrorFilter, "created_at"]
    search_fields = ["name"]  # which has Django show the field; get_search_results says of what
    search_help_text = lazy("An ID, an email, or words of the name or beginnings of them.")
    list_select_related = ["owner"]
    paginator = BoundedPaginator
    list_per_page = 50
    sortable_by = ["created_at"]  # of a million, no others can be sorted in time
    inlines = [AttemptInline]
    readonly_fields = ["trace"]
    actions = ["cancel", "retry", "download", "delete_selected"]
    show_full_result_count = False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        fields = super().get_fields(request, obj)
        return ["trace" if name == "trace_id" else name for name in fields if name != "trace"]

    @admin.display(description=lazy("trace ID"))
    def trace(self, shown: ProcessingRequest) -> str:
        if not (settings.TRACE_URL and shown.trace_id):
            return shown.trace_id or "–"
        address = settings.TRACE_URL.replace("{trace_id}", shown.trace_id)
        return format_html('<a href="{}">{}</a>', address, shown.trace_id)

    def action_checkbox(self, obj: ProcessingRequest) -> SafeString:
        """Return the box that selects a row.

        Django's own renders a template for each, which takes a fifth of the page's time.
        """
        return format_html(
            '<input type="checkbox" name="{}" value="{}" class="action-select" aria-label="{}">',
            ACTION_CHECKBOX_NAME,
            obj.pk,
            obj.name,
        )

    def has_operate_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("processing.change_processingrequest")

    def has_remove_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("processing.delete_processingrequest")

    @transaction.non_atomic_requests
    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Without a transaction around it: each request that an action changes has its own."""
        response = super().changelist_view(request, extra_context)
        shown = getattr(response, "context_data", None) or {}
        if "cl" in shown and shown["cl"].result_count >= COUNTED:
            shown["subtitle"] = _("The first %(counted)s. Search or filter to find others.") % {
                "counted": number(COUNTED)
            }
        return response

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[ProcessingRequest], search_term: str
    ) -> tuple[QuerySet[ProcessingRequest], bool]:
        """Search by what an index answers; a look at each of a million rows takes seconds."""
        text = search_term.strip()
        with suppress(ValueError):
            return queryset.filter(id=UUID(text)), False
        if "@" in text:
            owners = User.objects.filter(email__icontains=text).values_list("id", flat=True)
            return queryset.filter(owner__in=list(owners[:MOST_OWNERS])), False
        return (filter_by_words(queryset, text) if text else queryset), False

    @admin.action(description=lazy("Cancel the selected requests"), permissions=["operate"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[ProcessingRequest]) -> None:
        self._change(request, queryset, bulk.CANCEL, _("%(count)s requests cancelled."))

    @admin.action(description=lazy("Retry the selected requests"), permissions=["operate"])
    def retry(self, request: HttpRequest, queryset: QuerySet[ProcessingRequest]) -> None:
        self._change(request, queryset, bulk.RETRY, _("%(count)s requests started again."))

    @admin.action(description=lazy("Download the selected results"), permissions=["operate"])
    def download(
        self, request: HttpRequest, queryset: QuerySet[ProcessingRequest]
    ) -> HttpResponse | None:
        archive_id, outcome = archive_create(user_id=request.user.pk, rows=queryset, of_all=True)
        if archive_id is None:
            self._report(request, outcome, _("%(count)s requests put into an archive."))
            return None
        return HttpResponseRedirect(archive_path(archive_id))

    # The name, and the page that asks once more, of Django's own action, which would list all rows
    # that go with a request and check a permission for each.
    @admin.action(description=lazy("Delete the selected requests"), permissions=["remove"])
    def delete_selected(
        self, request: HttpRequest, queryset: QuerySet[ProcessingRequest]
    ) -> HttpResponse | None:
        if request.POST.get("post"):
            self._change(request, queryset, bulk.DELETE, _("%(count)s requests deleted."))
            return None
        chosen = list(queryset.order_by("-created_at", "-id")[:MOST_CONFIRMED])
        context = self.admin_site.each_context(request) | {
            "title": _("Are you sure?"),
            "subtitle": None,
            "objects_name": _("requests"),
            "deletable_objects": [[str(found) for found in chosen]],
            "model_count": [(_("requests, with their results and files"), len(chosen))],
            "queryset": chosen,
            "opts": self.opts,
            "action_checkbox_name": ACTION_CHECKBOX_NAME,
            "media": self.media,
        }
        return TemplateResponse(request, "admin/delete_selected_confirmation.html", context)

    def _change(
        self,
        request: HttpRequest,
        queryset: QuerySet[ProcessingRequest],
        action: bulk.Action,
        done: str,
    ) -> None:
        self._report(request, bulk.requests_change(rows=queryset, action=action), done)

    def _report(self, request: HttpRequest, outcome: bulk.Outcome, done: str) -> None:
        for refusal in outcome.refused:
            ids = ", ".join(map(str, refusal.ids[:NAMED])) + (" …" if refusal.count > NAMED else "")
            said = _("%(count)s refused: %(reason)s (%(ids)s)") % {
                "count": refusal.count,
                "reason": translate(refusal.message),
                "ids": ids,
            }
            self.message_user(request, said, messages.WARNING)
        told = [done % {"count": outcome.done}]
        if outcome.unchanged:
            told.append(_("%(count)s were already.") % {"count": outcome.unchanged})
        if outcome.remaining:
            told.append(_("%(count)s remain: run it again.") % {"count": outcome.remaining})
        self.message_user(request, " ".join(told))


@admin.register(PausedKind)
class PausedKindAdmin(admin.ModelAdmin):
    """Add a kind to pause it: none of its requests begins, those that run go on."""

    list_display = ["kind", "paused_at"]
    fields = ["kind"]

    def formfield_for_dbfield(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        if db_field.name == "kind":
            return forms.ChoiceField(choices=[(kind, kind) for kind in list_kinds()])
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: PausedKind, *args: Any) -> None:
        kind_pause(kind=obj.kind)

    def delete_model(self, request: HttpRequest, obj: PausedKind) -> None:
        kinds_resume(kinds=[obj.kind])

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[PausedKind]) -> None:
        kinds_resume(kinds=queryset.values_list("kind", flat=True))
