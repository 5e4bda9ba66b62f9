"""django-celery-beat's scheduler, for clocks that are put back and workers that are away."""

import logging
from datetime import datetime
from typing import Any

from django.db.models import Q
from django_celery_beat.schedulers import DatabaseScheduler, ModelEntry

from .broker import message_count

logger = logging.getLogger(__name__)
ENOUGH = 100  # messages in a queue; a round that comes later does the same


class Entry(ModelEntry):
    """A periodic task, as its row says."""

    last_run_at: datetime

    def is_due(self) -> Any:
        """Return whether it is due, and when to ask again.

        A last run that is still to come was written by a clock that has been put right since. All
        would be silent until then.
        """
        if self.last_run_at > (now := self._default_now()):
            self.last_run_at = self.model.last_run_at = now
        return super().is_due()


class Scheduler(DatabaseScheduler):
    Entry = Entry

    def enabled_models_qs(self) -> Any:
        """Return the rows to send, without those of modules that have been dropped since.

        Rows stay when the schedule that has made them is gone, and no worker knows their tasks.
        """
        known = {*self.app.tasks, *(each["task"] for each in self.app.conf.beat_schedule.values())}
        dropped = Q(task__startswith="backend_django.") & ~Q(task__in=known)
        return super().enabled_models_qs().exclude(dropped)

    def apply_entry(self, entry: Any, producer: Any = None) -> None:
        """Send a task, unless it is a round of the product's own and its queue is full of others.

        Nothing would take them out of it while no worker is there.
        """
        queue = entry.options.get("queue")
        if queue and entry.name in self.app.conf.beat_schedule:
            try:
                if message_count(queue) >= ENOUGH:
                    logger.warning("%s is not sent: %s has %d messages", entry.name, queue, ENOUGH)
                    return
            except Exception as error:  # sending it says so, too, and what becomes of it
                logger.debug("%s was not counted: %s", queue, type(error).__name__)
        super().apply_entry(entry, producer=producer)  # as Celery calls it: others wrap it
