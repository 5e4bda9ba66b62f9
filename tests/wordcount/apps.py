from backend_django.utils.features import FeatureConfig


class WordCountConfig(FeatureConfig):
    """A job of the tests' own, so that the core is proved without the shipped feature."""

    name = "tests.wordcount"
    label = "wordcount"
