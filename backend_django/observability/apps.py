from django.apps import AppConfig

from . import configure


class ObservabilityConfig(AppConfig):
    """Traces and errors."""

    name = "backend_django.observability"

    def ready(self) -> None:
        if configure.OTEL_EXPORTER_OTLP_ENDPOINT:
            from .traces import record_traces

            record_traces()
        if configure.SENTRY_DSN:
            from .errors import report_errors

            report_errors()
