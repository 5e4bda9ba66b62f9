"""Flags of one-time work that must not be done again."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import models


class SetupFlag(models.Model):
    """A named step of the first start. The row and what the step did are one transaction."""

    name = models.CharField(max_length=100, unique=True)
    setup_complete = models.BooleanField(default=False)
    completed_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"{self.name}: {'done' if self.setup_complete else 'open'}"

    @classmethod
    @contextmanager
    def once(cls, name: str) -> Iterator[bool]:
        """Yield whether the step is still to be done; it counts as done when the block ends well.

        Call inside a transaction: the row is locked, so of two processes one waits and gets False.
        """
        cls.objects.get_or_create(name=name)
        flag = cls.objects.select_for_update().get(name=name)
        yield not flag.setup_complete
        if not flag.setup_complete:
            flag.setup_complete = True
            flag.save()
