"""Does here what workers do with pipelines, for tests that need no process of theirs.

The fixture `told` (tests/plugin.py) is what would have been sent to them.
"""

from backend_django.processing.advance import advance
from backend_django.processing.runner import run_next


def work(told: list[str]) -> None:
    """Do what workers do until there is nothing left to do."""
    busy = True
    while busy:
        busy = bool(run_next(queue="short") or run_next(queue="processing"))
        while told:
            busy = True
            advance(told.pop())  # type: ignore[arg-type]
