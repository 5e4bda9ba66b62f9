from django.apps import AppConfig

from backend_django.utils.model_names import translate_model_names


class OperationsConfig(AppConfig):
    """For operators: health, metrics, backup, restore, clean-up."""

    name = "backend_django.operations"

    def ready(self) -> None:
        translate_model_names()
