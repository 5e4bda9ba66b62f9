from django.apps import AppConfig

from . import configure


class ObservabilityConfig(AppConfig):
    """Traces, errors, and how busy workers are."""

    name = "backend_django.observability"

    def ready(self) -> None:
        if configure.OTEL_EXPORTER_OTLP_ENDPOINT:
            from .traces import record_traces

            record_traces()
        if configure.SENTRY_DSN:
            from .errors import report_errors

            report_errors()
        if configure.CELERY_METRICS_PORT:
            from . import workers  # noqa: F401 # connects itself
