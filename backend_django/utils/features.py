"""Features are found by looking, so that a feature is added or removed as a folder."""

from importlib import import_module
from pathlib import Path

from django.apps import AppConfig, apps

PACKAGE = Path(__file__).resolve().parents[1]


class FeatureConfig(AppConfig):
    """Base of a feature's app config, in `backend_django/<feature>/apps.py`.

    A feature's `processor.py` is imported when Django is ready, its `api/urls.py` is mounted at
    `/api/v1/<feature>/`, and its tests are part of the suite.
    """

    default_auto_field = "django.db.models.BigAutoField"

    @property
    def api_prefix(self) -> str:
        """The path of its endpoints below /api/v1/. An app that is no feature may name another."""
        return f"{self.label}/"


def feature_names() -> list[str]:
    """Return the names of all features, as their URLs begin with them."""
    return sorted(app.label for app in apps.get_app_configs() if isinstance(app, FeatureConfig))


def find_modules(name: str) -> list[str]:
    """Return `backend_django/*/<name>.py` as dotted paths, sorted by folder name."""
    folders = sorted(path.parent.name for path in PACKAGE.glob(f"*/{name}.py"))
    return [f"{PACKAGE.name}.{folder}.{name}" for folder in folders]


def find_features() -> list[str]:
    """Return the app configs of all features, as dotted paths, sorted by folder name."""
    found = []
    for path in find_modules("apps"):
        module = import_module(path)
        found += [
            f"{module.__name__}.{name}"
            for name, value in vars(module).items()
            if isinstance(value, type)
            and issubclass(value, FeatureConfig)
            and value is not FeatureConfig
        ]
    return found
