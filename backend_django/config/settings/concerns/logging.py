"""Logs: one line an event on standard error; the trace ID ties them together."""

from typing import Any

from ..environment import env

# The lowest level that is logged: DEBUG, INFO, WARNING or ERROR.
LOG_LEVEL = env("LOG_LEVEL", default="INFO")

# A URL with `{trace_id}` that shows the log lines or the trace of one call. The admin links
# requests to it.
TRACE_URL = env("TRACE_URL", default="")

# The bearer token for /metrics and /health/full. Without it, only staff can read them.
METRICS_TOKEN = env("METRICS_TOKEN", default="")

# How long the audit trail keeps events; 0 keeps all.
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
