"""Tells events who asks, and records what staff do in the admin."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.http import HttpRequest, HttpResponse
from django.template.response import SimpleTemplateResponse
from django.utils import timezone

from .services import Outcome, current_request, event_record, refusals_write


class AuditMiddleware:
    """Let events know who asks and from where, and record each change that staff make.

    By address and not by model: so the admin of whatever app is covered, and its actions too.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        token = current_request.set(request)
        started = timezone.now()
        try:
            response = self.get_response(request)
            if request.method == "POST":
                _record_staff_action(request, response, started)
            refusals_write(request)
            return response
        finally:
            current_request.reset(token)


def _record_staff_action(request: HttpRequest, response: HttpResponse, started: datetime) -> None:
    """Record a POST to the admin, unless it only showed a page: a form with errors, a question."""
    match = request.resolver_match
    if match is None or "admin" not in match.app_names or match.url_name in {"login", "logout"}:
        return
    if not request.user.is_authenticated or response.status_code < 200:  # the view is yet to run
        return
    if not admin.site.has_permission(request):  # it was sent to the sign-in
        event_record(event=f"admin.{match.url_name}", outcome=Outcome.BLOCKED, once_a_minute=True)
        return
    entries = LogEntry.objects.filter(user_id=request.user.pk, action_time__gte=started)
    said = [str(entry) for entry in entries.order_by("id")[:20]]
    if _is_page(response) and not said:
        return
    if action := _action_of(request):
        chosen = request.POST.getlist("_selected_action")
        which = f"{len(chosen)}: {', '.join(chosen[:20])}"
        if request.POST.get("select_across") == "1":  # the form names those of one page only
            which = f"all at {request.get_full_path()}"
        said.insert(0, f"{action} of {which}")
    event_record(
        event=f"admin.{match.url_name}",
        outcome=Outcome.SUCCESS if response.status_code < 400 else Outcome.FAILURE,
        target=str(match.kwargs.get("object_id", "")),
        detail="; ".join(said),
    )


def _is_page(response: HttpResponse) -> bool:
    """Return whether a page was shown. Django's window of a popup that is done closes itself."""
    if response.status_code != 200 or not isinstance(response, SimpleTemplateResponse):
        return False
    return "popup_response_data" not in (response.context_data or {})


def _action_of(request: HttpRequest) -> str:
    """Return the action that ran: of a form that names several, Django chooses by `index`."""
    with suppress(ValueError, IndexError):
        return request.POST.getlist("action")[int(request.POST.get("index", 0))]
    return request.POST.get("action", "")
