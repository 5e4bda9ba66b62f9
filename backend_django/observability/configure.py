"""Traces, errors and workers: each where its setting says, or nowhere."""

from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from backend_django.config.settings.environment import env

# Where spans go, by OTLP over HTTP: a collector, Alloy, Tempo or Jaeger, such as http://tempo:4318.
# Without it, none are recorded.
OTEL_EXPORTER_OTLP_ENDPOINT = env("OTEL_EXPORTER_OTLP_ENDPOINT", default="").rstrip("/")
# The name of this installation in traces; without it, the project's.
OTEL_SERVICE_NAME = env("OTEL_SERVICE_NAME", default="")
# The share of traces that are recorded, from 0 to 1.
OTEL_TRACES_SAMPLER_ARG = env.float("OTEL_TRACES_SAMPLER_ARG", default=1.0)
# Where errors are reported: the DSN of a project in Sentry or GlitchTip.
SENTRY_DSN = env("SENTRY_DSN", default="")
# Where the page reports its errors: the DSN of a separate project, at a URL that browsers reach.
# Anyone who opens the page can read it, and report there.
SENTRY_BROWSER_DSN = env("SENTRY_BROWSER_DSN", default="")
# The name of this installation in error reports.
SENTRY_ENVIRONMENT = env("SENTRY_ENVIRONMENT", default="production")

# A port of a worker or beat with /metrics alone, open to anyone who reaches it: don't publish it.
# Each process needs its own.
CELERY_METRICS_PORT = env.int("CELERY_METRICS_PORT", default=0)


def configure(settings: dict[str, Any]) -> None:
    """Record what there is an address for, and tell the page its part."""
    page: dict[str, Any] = {}
    if OTEL_EXPORTER_OTLP_ENDPOINT:
        page["traces"] = True
    if SENTRY_BROWSER_DSN:
        page["errors"] = {
            "dsn": SENTRY_BROWSER_DSN,
            "environment": SENTRY_ENVIRONMENT,
            "release": settings["APP_COMMIT"],
        }
        origins = settings["CONTENT_SECURITY_POLICY"]["DIRECTIVES"]["connect-src"]
        origins.append(origin(SENTRY_BROWSER_DSN))
    if page:
        settings["PAGE_VALUES"]["observability"] = page
    if OTEL_EXPORTER_OTLP_ENDPOINT or SENTRY_DSN or CELERY_METRICS_PORT:
        settings["INSTALLED_APPS"].append("backend_django.observability")


def origin(dsn: str) -> str:
    """Return where a DSN leads, for the Content-Security-Policy."""
    try:
        parts = urlsplit(dsn)
        is_dsn = parts.scheme in {"http", "https"} and parts.hostname and parts.username
        if is_dsn and not parts.password and parts.path.strip("/"):
            return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    except ValueError:
        pass
    raise ImproperlyConfigured(
        "SENTRY_BROWSER_DSN is an address such as https://key@sentry.example.org/1, without a "
        "secret, as the page shows it to everybody."
    )
