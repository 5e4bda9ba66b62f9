from django.apps import AppConfig


class ChaosConfig(AppConfig):
    """Plants the faults that the environment asks for, after all else is there."""

    name = "tests.chaos"

    def ready(self) -> None:
        from tests.chaos.hooks import plant

        plant()
