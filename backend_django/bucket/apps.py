from django.apps import AppConfig


class BucketConfig(AppConfig):
    """Files in an S3 bucket."""

    name = "backend_django.bucket"

    def ready(self) -> None:
        from . import checks  # noqa: F401 (registers itself)
        from .waiting import install

        install()
