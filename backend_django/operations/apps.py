from django.apps import AppConfig


class OperationsConfig(AppConfig):
    """What those who run the product need: health, metrics, backup, restore, tidying."""

    name = "backend_django.operations"
