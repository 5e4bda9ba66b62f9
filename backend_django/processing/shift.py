"""The work that one message starts in a worker: one long request, or short ones for a second."""

import logging
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from django.db import DatabaseError, InterfaceError

from backend_django.uploads.quota import work_count

from . import lifecycle
from .attempt import is_stopping
from .models import ProcessingRequest

logger = logging.getLogger(__name__)
SHIFT_SECONDS = 1.0


class Shift:
    """Takes one request after the other, the next one in the transaction that ends the last."""

    def __init__(self, *, queue: str | None, worker: str = "", celery_task_id: str = "") -> None:
        """
        Args:
            queue: None for nothing but what the caller has claimed.
        """
        self.queue, self.worker, self.celery_task_id = queue, worker, celery_task_id
        self.spent: defaultdict[Any, float] = defaultdict(float)  # processor seconds, by owner
        self._deadline = time.monotonic() + SHIFT_SECONDS
        # What the end of the last request found: nothing yet, or one request or None.
        self._found: list[ProcessingRequest | None] = []
        # What was claimed by commits that failed, which may have reached the disk all the same.
        self._doubtful: list[ProcessingRequest | None] = []

    def __enter__(self) -> "Shift":
        return self

    def __exit__(self, *_: object) -> None:
        """Count the work of all attempts, and give back what was claimed and not begun."""
        for owner_id, seconds in self.spent.items():
            try:
                work_count(owner_id=owner_id, seconds=seconds)
            except (DatabaseError, InterfaceError):  # it is away, or the owner is gone
                logger.warning("%.2f s of processor time were not counted", seconds)
        self._give_back(self._found + self._doubtful)  # last: it raises when the database is away

    @property
    def is_over(self) -> bool:
        """Whether the worker is to stop, or to look for other messages."""
        return is_stopping() or time.monotonic() >= self._deadline

    def take(self) -> ProcessingRequest | None:
        """Return the next request, whose attempt has begun; None when there is no more to do."""
        self._give_back(self._doubtful)
        self._doubtful = []
        return self._found.pop() if self._found else self._claim()

    def complete(self, complete: Callable[..., bool]) -> bool:
        """Complete a request and claim the next one, which reaches the disk in one commit.

        Not where there are limits: there a claim may wait for another one.

        Args:
            complete: `lifecycle.complete` but for `then`. When it raises, this may be called again.
        """
        if lifecycle.has_limits():
            return complete()
        owned = complete(then=lambda: self._doubtful.append(self._claim()))
        if owned:  # so the tries before it were undone, with what they had claimed
            self._found, self._doubtful = self._doubtful[-1:], []
        return owned

    def _give_back(self, claimed: list[ProcessingRequest | None]) -> None:
        for request in filter(None, claimed):
            lifecycle.release(request.id, request.attempt, lease=request.lease_expires_at)

    def _claim(self) -> ProcessingRequest | None:
        if self.queue is None or self.is_over:
            return None
        return lifecycle.claim(
            queue=self.queue, worker=self.worker, celery_task_id=self.celery_task_id
        )
