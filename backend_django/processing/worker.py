"""Hooks into Celery's worker: what happens when it is asked to stop."""

import contextlib
import heapq
import logging
import os
import re
import signal
import threading
import time
from typing import Any

from billiard import active_children
from billiard.exceptions import WorkerLostError
from celery.signals import (
    celeryd_init,
    task_failure,
    worker_process_init,
    worker_ready,
    worker_shutting_down,
)
from django.conf import settings
from django.db import DatabaseError, connection
from kombu.asynchronous.timer import Timer

from backend_django.files.temporary import tidy_abandoned_uploads

from .attempt import INTERRUPT, accept_interrupts, stop_taking
from .descendants import adopt_descendants
from .enqueue import TASK
from .pool_watch import show_life, watch_pool
from .registry import all_processors
from .runner import fail_crashed
from .scratch import tidy_scratch

logger = logging.getLogger(__name__)
TIDY_SECONDS = 60
BY_OTHERS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP)


@celeryd_init.connect
def widen_time_limits(instance: Any, conf: Any, **_: Any) -> None:
    """Keep Celery's nets below the limits of kinds that may take longer than most."""
    longest = max((kind.time_limit() for kind in all_processors()), default=0)
    extra = max(0, longest - settings.PROCESSING_TIME_LIMIT_SECONDS)
    task = instance.app.tasks[TASK]
    task.soft_time_limit += extra
    task.time_limit += extra
    conf.broker_transport_options["visibility_timeout"] += extra


@worker_process_init.connect
def prepare_process(**_: Any) -> None:
    accept_interrupts()
    adopt_descendants()
    show_life()


@worker_ready.connect
def look_after_pool(**_: Any) -> None:
    watch_pool()


@worker_ready.connect
def tidy_timers(sender: Any, **_: Any) -> None:
    """Forget each minute the time limits of tasks that are over.

    Celery sets a timer for the limit of each task, an hour by default, and kombu keeps one that is
    cancelled until its time comes: 1.3 kB for each message of the last hour.
    """
    if sender.hub:
        sender.hub.call_repeatedly(TIDY_SECONDS, forget_cancelled, sender.hub.timer)


def forget_cancelled(timer: Timer) -> None:
    """Take the cancelled entries out of a timer, in the thread of its event loop."""
    # The same list: whoever iterates over the timer holds it.
    timer._queue[:] = [each for each in timer._queue if not each.entry.canceled]
    heapq.heapify(timer._queue)


@worker_ready.connect
def tidy(**_: Any) -> None:
    """Clean up after those that were killed on this machine; never keeps a worker from starting."""
    try:
        tidy_abandoned_uploads()
        tidy_scratch()
    except (DatabaseError, OSError):
        logger.warning("the scratch space could not be tidied", exc_info=True)
    finally:
        connection.close()


@task_failure.connect
def tell_of_crash(task_id: str, exception: BaseException, **_: Any) -> None:
    """End what a process of the pool worked on that has ended by itself: `os._exit`, an alarm.

    It would do so each time. One that was killed may have been short of memory, or in the way of
    whoever runs this: what it had is given to another when the lease runs out.
    """
    found = re.search(r"exitcode \d+|signal (\d+)[^:]*(?= Job)", str(exception))
    if not (isinstance(exception, WorkerLostError) and found):
        return
    if found[1] and int(found[1]) in BY_OTHERS:
        return

    def fail() -> None:
        try:
            fail_crashed(task_id, found[0])
        finally:
            connection.close()

    # The main process has nothing to wait for.
    threading.Thread(target=fail, name="crash", daemon=True).start()


@worker_shutting_down.connect
def give_back_after_grace(**_: Any) -> None:
    """Celery waits for running tasks without limit; after the grace they are told to give back."""
    stop_taking()

    def interrupt() -> None:
        time.sleep(settings.PROCESSING_STOP_GRACE_SECONDS)
        while True:  # one signal may come just before the work begins, and be in vain
            for child in active_children():
                with contextlib.suppress(ProcessLookupError):
                    if child.pid:
                        os.kill(child.pid, INTERRUPT)
            time.sleep(1)

    threading.Thread(target=interrupt, name="give back", daemon=True).start()
