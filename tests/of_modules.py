"""What tests of the whole product must know of a module: its `tests/whole.py`."""

from importlib import import_module
from typing import Any

from backend_django.utils.features import PACKAGE


def of_modules(name: str) -> list[Any]:
    """Return the values of that name, of each module that has it."""
    folders = sorted(path.parent.parent.name for path in PACKAGE.glob("*/tests/whole.py"))
    modules = [import_module(f"{PACKAGE.name}.{folder}.tests.whole") for folder in folders]
    return [getattr(module, name) for module in modules if hasattr(module, name)]
