from django.apps import AppConfig


class TwoStepConfig(AppConfig):
    """The second step at sign-in."""

    name = "backend_django.two_step"
    api_prefix = "auth/"

    def ready(self) -> None:
        from backend_django.utils import staff

        from . import mails  # noqa: F401 (adds its notices)
        from .required import check_second_step

        staff.checks.append(check_second_step)
