"""The limit on nesting of JSON: what one call stack can write, a deeper one cannot read."""

from typing import Any

MAX_NESTING = 100


def is_too_deep(value: Any) -> bool:
    """Return whether arrays and objects are nested in more than MAX_NESTING levels."""
    level = [value]
    for _ in range(MAX_NESTING + 1):
        within = [list(one.values()) if isinstance(one, dict) else one for one in level]
        level = [each for one in within if isinstance(one, list | tuple) for each in one]
        if not level:
            return False
    return True
