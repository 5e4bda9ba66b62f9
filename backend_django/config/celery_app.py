"""The Celery application: `celery -A backend_django.config.celery_app worker|beat|flower`."""

import os
from logging.config import dictConfig
from typing import Any

from celery import Celery
from celery.signals import setup_logging

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend_django.config.settings.local")

app = Celery("rootstock")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def use_django_logging(**_: Any) -> None:
    """One log format for every process, instead of Celery's own."""
    from django.conf import settings

    dictConfig(settings.LOGGING)
