"""Feature flags: which are on without a row in the admin."""

from typing import Any

from backend_django.config.settings.environment import env


def configure(settings: dict[str, Any]) -> None:
    """Put the model of this module behind django-waffle."""
    settings["INSTALLED_APPS"] += ["waffle"]
    settings["WAFFLE_FLAG_MODEL"] = "flags.Flag"
    settings["WAFFLE_ENABLE_ADMIN_PAGES"] = False  # admin.py has one for the model
    settings["WAFFLE_CACHE_NAME"] = "flags"
    # In each process: a change counts everywhere when this time is over.
    settings["CACHES"]["flags"] = {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "LOCATION": "flags",
        "TIMEOUT": 2,
    }
    # Flags that are on for everyone unless the admin says otherwise. All others are off.
    settings["FLAGS_ON"] = env.list("FLAGS_ON", default=[])
