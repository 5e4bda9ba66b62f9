"""Settings that modules add, from `backend_django/<module>/configure.py`."""

from importlib import import_module
from typing import Any

from backend_django.utils.features import find_modules


def configure_modules(step: str, settings: dict[str, Any]) -> None:
    """Call the function of that name of every module that has it, with all settings so far."""
    for name in find_modules("configure"):
        module = import_module(name)
        if hasattr(module, step):
            getattr(module, step)(settings)
