from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    """Tell owners, and programs of theirs, that requests have ended."""

    name = "backend_django.notifications"
    api_prefix = "notifications/"

    def ready(self) -> None:
        from . import mails, receivers  # noqa: F401 (register themselves)
        from .api import live  # noqa: F401 (says what notifications look like)
