"""What follows a transaction, once for all that it has changed."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from django.db import transaction

T = TypeVar("T")


class _Gathered:
    """Calls a function with all that was gathered for it, when it is called itself."""

    def __init__(self, act: Callable[[list[Any]], object]) -> None:
        self.act = act
        self.items: list[Any] = []
        self.is_over = False

    def __call__(self) -> None:
        self.is_over = True  # in tests the list of what follows a commit is not emptied
        self.act(self.items)


def gather_on_commit(act: Callable[[list[T]], object], items: Iterable[T]) -> None:
    """Have a function called with these items once the present transaction is committed.

    Once for all calls with the same function: a thousand rows that are deleted together are told
    of together. What it raises is logged, and nothing else hears of it.
    """
    connection = transaction.get_connection()
    savepoints = set(connection.savepoint_ids)  # what lies in the same is undone together
    for known, then, _ in reversed(connection.run_on_commit if connection.in_atomic_block else []):
        if known != savepoints:
            break
        if isinstance(then, _Gathered) and then.act == act and not then.is_over:
            then.items.extend(items)
            return
    gathered = _Gathered(act)
    gathered.items.extend(items)
    transaction.on_commit(gathered, robust=True)
