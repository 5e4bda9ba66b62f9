from importlib import import_module
from pathlib import Path
from types import ModuleType


def suites() -> dict[str, ModuleType]:
    """Return what features measure of themselves, by the names of their folders."""
    return {
        path.parent.name: import_module(f"benchmarks.{path.parent.name}.suite")
        for path in sorted(Path(__file__).parent.glob("*/suite.py"))
    }
