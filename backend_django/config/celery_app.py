"""The Celery application: `celery -A backend_django.config.celery_app worker|beat`."""

import os
from logging.config import dictConfig
from typing import Any

from celery import Celery
from celery.signals import (
    beat_init,
    setup_logging,
    task_prerun,
    worker_init,
    worker_process_init,
)

from backend_django.utils import broker
from backend_django.utils.database_wait import limit_process
from backend_django.utils.pulse import start_pulse

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend_django.config.settings.local")

broker.install()
app = Celery("backend_django")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def use_django_logging(**_: Any) -> None:
    """One log format for every process, instead of Celery's own."""
    from django.conf import settings

    dictConfig(settings.LOGGING)


@worker_init.connect
@beat_init.connect
def show_life(**_: Any) -> None:
    """Let whoever started this process see that it is not stopped."""
    start_pulse()


def limit_waits(**_: Any) -> None:
    """Wait for the database no longer than workers and beat should."""
    from django.conf import settings

    limit_process(settings.DATABASE_STATEMENT_SECONDS)


for start in (worker_init, worker_process_init, beat_init):
    start.connect(limit_waits, weak=False)


@task_prerun.connect
def check_connections(**_: Any) -> None:
    """Have the connection that a task finds looked at before its first statement."""
    from django.db import close_old_connections

    close_old_connections()
