from backend_django.utils.features import FeatureConfig


class TeamsConfig(FeatureConfig):
    """Accounts that several people act for, each in a role."""

    name = "backend_django.teams"
    label = "teams"

    def ready(self) -> None:
        from backend_django import policies

        from . import mails  # noqa: F401 (registers its email writers)
        from .rules import TeamRules

        policies.register(TeamRules())
