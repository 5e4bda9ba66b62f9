from django.apps import AppConfig

from backend_django.utils.model_names import translate_model_names


class OperationsConfig(AppConfig):
    """What those who run the product need: health, metrics, backup, restore, tidying."""

    name = "backend_django.operations"

    def ready(self) -> None:
        translate_model_names()
