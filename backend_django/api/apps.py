from django.apps import AppConfig


class ApiConfig(AppConfig):
    """Shared by all endpoints: errors, pagination, the OpenAPI schema."""

    name = "backend_django.api"
