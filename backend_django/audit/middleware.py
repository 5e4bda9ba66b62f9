"""Tells events who asks, and records what staff do in the admin."""

from collections.abc import Callable
from datetime import datetime

from django.contrib.admin.models import LogEntry
from django.http import HttpRequest, HttpResponse
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
                _record_staff_action(request, response.status_code, started)
            refusals_write(request)
            return response
        finally:
            current_request.reset(token)


def _record_staff_action(request: HttpRequest, status_code: int, started: datetime) -> None:
    """Record a POST to the admin that was done (it redirects) or refused."""
    match = request.resolver_match
    if match is None or "admin" not in match.app_names or match.url_name in {"login", "logout"}:
        return
    if not request.user.is_authenticated or status_code not in {302, 403}:
        return  # signed out, or a form with errors or a question
    entries = LogEntry.objects.filter(user_id=request.user.pk, action_time__gte=started)
    said = [str(entry) for entry in entries.order_by("id")[:20]]
    if action := request.POST.get("action"):
        chosen = request.POST.getlist("_selected_action")
        which = f"{len(chosen)}: {', '.join(chosen[:20])}"
        if request.POST.get("select_across") == "1":  # the form names those of one page only
            which = f"all at {request.get_full_path()}"
        said.insert(0, f"{action} of {which}")
    event_record(
        event=f"admin.{match.url_name}",
        outcome=Outcome.SUCCESS if status_code == 302 else Outcome.FAILURE,
        target=str(match.kwargs.get("object_id", "")),
        detail="; ".join(said),
    )
