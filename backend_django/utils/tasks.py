"""Tasks of Celery, sent when what they are about is there to be read."""

import logging
from typing import Any

from celery import current_app
from django.db import transaction

from .broker_wait import tell_broker

logger = logging.getLogger(__name__)


def send_on_commit(task: str, *arguments: Any) -> None:
    """Send a task as soon as the present transaction is committed; not at all if it is not.

    A broker that does not respond is no error: then the task is not sent. What must not be lost
    is a row first, which a round of maintenance finds again.

    Args:
        task: its name, such as "backend_django.<feature>.tasks.remind".
        arguments: what JSON can say: ids, not rows.
    """

    def send() -> None:
        try:
            tell_broker(lambda: current_app.send_task(task, arguments))
        except Exception as error:
            logger.warning("%s %s was not sent: %s", task, arguments, type(error).__name__)

    transaction.on_commit(send, robust=True)
