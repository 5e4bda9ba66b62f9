from django.apps import AppConfig


class LiveConfig(AppConfig):
    """Event streams for pages and scripts."""

    name = "backend_django.live"
