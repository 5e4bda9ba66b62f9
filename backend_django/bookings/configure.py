"""The PostgreSQL extension that constraints on periods need."""

from typing import Any


def configure(settings: dict[str, Any]) -> None:
    """Add Django's part for PostgreSQL, once."""
    if "django.contrib.postgres" not in settings["INSTALLED_APPS"]:
        settings["INSTALLED_APPS"].append("django.contrib.postgres")
