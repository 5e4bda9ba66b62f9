"""Addresses for operators and their programs, closed to everybody else."""

import hmac
import os
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from backend_django.api.problems import problem_response, status_of
from backend_django.audit.services import event_record, refusal_record
from backend_django.processing.registry import list_kinds
from backend_django.processing.services import kind_pause, kinds_resume
from backend_django.utils.errors import Denied
from backend_django.utils.probes import INSIDE
from backend_django.utils.staff import acts_as_staff
from backend_django.utils.translation import translate

from .monitoring import RequestCollector, full_health
from .queues import RECENT, queues_overview


def _is_operator(request: HttpRequest) -> bool:
    if INSIDE in request.META:
        return True
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    # As bytes: of text this compares ASCII only. A header's characters are its bytes.
    right = hmac.compare_digest(given.encode("latin-1", "replace"), settings.METRICS_TOKEN.encode())
    if settings.METRICS_TOKEN and scheme.lower() == "bearer" and right:
        return True
    return acts_as_staff(request.user)


def operators_only(view: Callable[[HttpRequest], HttpResponse]) -> Any:
    """Close a view to everybody but operators and their programs."""

    @wraps(view)
    def closed(request: HttpRequest) -> HttpResponse:
        try:
            if _is_operator(request):
                return view(request)
            refusal = Denied(
                "Sign in as staff, or send METRICS_TOKEN as a bearer token.", "not_authenticated"
            )
            status = 401
        except Denied as error:
            refusal, status = error, status_of(error)
        refusal_record(
            request=request, event="operators_only", target=request.path, detail=refusal.code
        )
        return problem_response(status, refusal.code, translate(refusal.message))

    return closed


@never_cache
@require_safe
@operators_only
def health_full(request: HttpRequest) -> HttpResponse:
    """Everything the product stands on; 503 when any of it is not well."""
    checks = full_health()
    well = all(check["ok"] for check in checks.values())
    return JsonResponse(
        {"status": "ok" if well else "unwell", "checks": checks}, status=200 if well else 503
    )


@never_cache
@require_safe
@operators_only
def metrics(request: HttpRequest) -> HttpResponse:
    """The state of the requests, and what web has answered, in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(RequestCollector())
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        MultiProcessCollector(registry)
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


@require_http_methods(["GET", "HEAD", "POST"])
def queues(request: HttpRequest) -> HttpResponse:
    """Show staff what waits, runs and fails, and let them pause and resume kinds."""
    user = request.user
    may = {
        "pause": user.has_perm("processing.add_pausedkind"),
        "resume": user.has_perm("processing.delete_pausedkind"),
    }
    if not user.has_perm("processing.view_processingrequest"):
        raise PermissionDenied
    if request.method == "POST":
        for action in may.keys() & request.POST.keys():
            if not may[action]:
                raise PermissionDenied
            _switch(request, action, request.POST[action])
        return HttpResponseRedirect(request.path)
    context = admin.site.each_context(request) | {
        "title": _("Queues"),
        "queues": queues_overview(),
        "recent": timezone.now() - RECENT,
        "may": may,
    }
    return TemplateResponse(request, "admin/queues.html", context)


def _switch(request: HttpRequest, action: str, kind: str) -> None:
    """Pause or resume a kind, and say so to who did it and in the audit trail."""
    if action == "resume":
        changed = kinds_resume(kinds=[kind]) > 0
    elif kind in list_kinds():
        changed = kind_pause(kind=kind)
    else:
        messages.error(request, _("There is no kind “%(kind)s”.") % {"kind": kind})
        return
    if changed:
        event_record(event=f"admin.queues_{action}", target=kind)
        said = _("Kind %(kind)s paused.") if action == "pause" else _("Kind %(kind)s resumed.")
        messages.success(request, said % {"kind": kind})
    else:
        was = (
            _("Kind %(kind)s was paused already.")
            if action == "pause"
            else _("Kind %(kind)s was not paused.")
        )
        messages.info(request, was % {"kind": kind})
