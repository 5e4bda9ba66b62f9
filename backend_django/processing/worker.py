"""Hooks into Celery's worker: what happens when it is asked to stop."""

import contextlib
import logging
import os
import threading
from typing import Any

from billiard import active_children
from celery.signals import worker_process_init, worker_shutting_down
from django.conf import settings

from .attempt import INTERRUPT, accept_interrupts

logger = logging.getLogger(__name__)


@worker_process_init.connect
def prepare_process(**_: Any) -> None:
    accept_interrupts()


@worker_shutting_down.connect
def give_back_after_grace(**_: Any) -> None:
    """Celery waits for running tasks without limit; after the grace they are told to give back."""

    def interrupt() -> None:
        for child in active_children():
            with contextlib.suppress(ProcessLookupError):
                if child.pid:
                    os.kill(child.pid, INTERRUPT)

    timer = threading.Timer(settings.PROCESSING_STOP_GRACE_SECONDS, interrupt)
    timer.daemon = True
    timer.start()
