from backend_django.utils.features import FeatureConfig


class SummariesConfig(FeatureConfig):
    name = "backend_django.summaries"
