"""The baselines: an empty Celery task and a DRF view that returns a constant."""

from backend_django.utils.features import FeatureConfig


class BareConfig(FeatureConfig):
    name = "benchmarks.bare"
    label = "bare"
