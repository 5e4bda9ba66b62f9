from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    """Telling owners, and programs of theirs, that requests have ended."""

    name = "backend_django.notifications"
    api_prefix = "notifications/"

    def ready(self) -> None:
        from . import mails, receivers  # noqa: F401 (register themselves)
