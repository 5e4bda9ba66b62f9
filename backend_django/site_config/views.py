"""Version and health. Health answers outside /api/, for probes."""

from datetime import timedelta
from functools import cache
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView


class VersionSerializer(serializers.Serializer[Any]):
    version = serializers.CharField()


class VersionInfoSerializer(VersionSerializer):
    name = serializers.CharField()
    commit = serializers.CharField()
    environment = serializers.CharField()


class OpenView(APIView):
    """Open to anyone, and deaf to credentials, so that a bad token does not spoil a probe."""

    authentication_classes: list[Any] = []
    permission_classes = [AllowAny]


class VersionView(OpenView):
    schema_action = "get"

    @extend_schema(responses=VersionSerializer)
    def get(self, request: Request) -> Response:
        """The version that runs."""
        return Response({"version": settings.PROJECT.version})


class VersionInfoView(OpenView):
    schema_action = "get"

    @extend_schema(responses=VersionInfoSerializer)
    def get(self, request: Request) -> Response:
        """The version, commit and environment that run."""
        return Response(
            {
                "name": settings.PROJECT.slug,
                "version": settings.PROJECT.version,
                "commit": settings.APP_COMMIT,
                "environment": settings.APP_ENVIRONMENT,
            }
        )


@never_cache
@require_safe
def health_live(request: HttpRequest) -> JsonResponse:
    """The process answers. Touches nothing else."""
    return JsonResponse({"status": "ok"})


@cache
def _migrations_applied() -> bool:
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise LookupError  # not cached: it is looked at again
    return True


@never_cache
@require_safe
def health_ready(request: HttpRequest) -> JsonResponse:
    """The database answers and is migrated. The broker does not count: we accept without it."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        _migrations_applied()
    except LookupError:
        return JsonResponse({"status": "unavailable", "reason": "migrations"}, status=503)
    except Exception:
        return JsonResponse({"status": "unavailable", "reason": "database"}, status=503)
    return JsonResponse({"status": "ok"})


@require_safe
def security_txt(request: HttpRequest) -> HttpResponse:
    """Return the contact for vulnerabilities (RFC 9116); 404 without a SECURITY_CONTACT."""
    if not settings.SECURITY_CONTACT:
        raise Http404
    expires = (timezone.now() + timedelta(days=180)).strftime("%Y-%m-%dT00:00:00Z")
    lines = [f"Contact: {contact}" for contact in settings.SECURITY_CONTACT]
    text = "\n".join([*lines, f"Expires: {expires}", "Preferred-Languages: en", ""])
    return HttpResponse(text, content_type="text/plain; charset=utf-8")
