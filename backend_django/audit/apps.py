from django.apps import AppConfig


class AuditConfig(AppConfig):
    """The audit trail: who did what, when and from where."""

    name = "backend_django.audit"

    def ready(self) -> None:
        from . import receivers  # noqa: F401 (connects them)
