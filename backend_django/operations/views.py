"""Addresses for operators and their programs, closed to everybody else."""

import hmac
import os

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from backend_django.api.problems import problem_response
from backend_django.utils.probes import INSIDE

from .monitoring import RequestCollector, full_health


def _is_operator(request: HttpRequest) -> bool:
    if INSIDE in request.META:
        return True
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    # As bytes: of text this compares ASCII only. A header's characters are its bytes.
    right = hmac.compare_digest(given.encode("latin-1", "replace"), settings.METRICS_TOKEN.encode())
    if settings.METRICS_TOKEN and scheme.lower() == "bearer" and right:
        return True
    return request.user.is_active and request.user.is_staff


def _closed() -> HttpResponse:
    return problem_response(
        401, "not_authenticated", "Sign in as staff, or send METRICS_TOKEN as a bearer token."
    )


@never_cache
@require_safe
def health_full(request: HttpRequest) -> HttpResponse:
    """Everything the product stands on; 503 when any of it is not well."""
    if not _is_operator(request):
        return _closed()
    checks = full_health()
    well = all(check["ok"] for check in checks.values())
    return JsonResponse(
        {"status": "ok" if well else "unwell", "checks": checks}, status=200 if well else 503
    )


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """The state of the requests, and what web has answered, in Prometheus' text format."""
    if not _is_operator(request):
        return _closed()
    registry = CollectorRegistry()
    registry.register(RequestCollector())
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        MultiProcessCollector(registry)
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
