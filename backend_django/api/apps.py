from django.apps import AppConfig


class ApiConfig(AppConfig):
    """What every endpoint shares: errors, pages, the OpenAPI document."""

    name = "backend_django.api"
