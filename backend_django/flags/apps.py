from backend_django.utils.features import FeatureConfig


class FlagsConfig(FeatureConfig):
    """Feature flags."""

    name = "backend_django.flags"
    label = "flags"

    def ready(self) -> None:
        from . import receivers  # noqa: F401 (tells pages of changes)
