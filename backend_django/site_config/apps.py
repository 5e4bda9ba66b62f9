from django.apps import AppConfig


class SiteConfigConfig(AppConfig):
    """First start, health and version."""

    name = "backend_django.site_config"
