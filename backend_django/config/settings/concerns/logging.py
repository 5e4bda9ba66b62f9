"""Logs: one line an event on standard error; the trace ID ties them together."""

from typing import Any

from ..environment import env

# The least important line that is written: DEBUG, INFO, WARNING or ERROR.
LOG_LEVEL = env("LOG_LEVEL", default="INFO")

# Where all of one call is seen, its log lines or its trace: an address with {trace_id}. The admin
# leads there from a request.
TRACE_URL = env("TRACE_URL", default="")

# Lets a Prometheus server read /metrics and /health/full; without it only staff may.
METRICS_TOKEN = env("METRICS_TOKEN", default="")

# After so many days an event of the audit trail is removed; 0 keeps all.
AUDIT_RETENTION_DAYS = env.int("AUDIT_RETENTION_DAYS", default=365)

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"context": {"()": "backend_django.utils.logs.ContextFilter"}},
    "formatters": {
        "plain": {"()": "backend_django.utils.logs.PlainFormatter"},
        "json": {"()": "backend_django.utils.logs.JsonFormatter"},
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "json",
            "filters": ["context"],
        },
    },
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    "loggers": {
        "django": {"level": "INFO"},
        "django.db.backends": {"level": "WARNING"},
        # One line for each task that was received, started and finished is too much.
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
        "celery.beat": {"level": "WARNING"},
        "django_celery_beat": {"level": "WARNING"},
    },
}
