"""The users who may act as staff."""

from collections.abc import Callable
from typing import Any

# What a module asks of staff besides the mark on the account. Each raises `Denied`.
checks: list[Callable[[Any], None]] = []


def acts_as_staff(user: Any) -> bool:
    """Return whether the user is active and staff.

    Raises:
        Denied: the user is, but something is missing that is asked of staff.
    """
    if not (user and user.is_active and user.is_staff):
        return False
    for check in checks:
        check(user)
    return True
