"""The doorbell: a Celery message that wakes a worker, which then takes the next row.

The rows are the queue. A queue of the broker holds at most a message or two however many requests
wait, because nobody rings where a message waits already; a worker that takes a request rings for
the next one. A lost message costs one interval of the reaper, a second one costs one query.
"""

import logging
from uuid import UUID

from celery import current_app
from django.db import transaction

from backend_django.utils.broker import message_count
from backend_django.utils.broker_wait import tell_broker

from . import lifecycle

logger = logging.getLogger(__name__)
TASK = "backend_django.processing.tasks.process_request"
ADVANCE = "backend_django.processing.tasks.advance_pipeline"


def ring_on_commit(*, queue: str, request_id: UUID) -> None:
    """Wake a worker as soon as the present transaction is committed."""
    transaction.on_commit(lambda: ring(queue=queue, request_id=request_id), robust=True)


def ring(*, queue: str, request_id: UUID) -> None:
    """Wake a worker of a queue. Never raises for a broker that does not respond.

    Args:
        request_id: why; to be seen where tasks are monitored, and for workers of an older release.
    """

    def wake() -> None:
        if not message_count(queue):
            current_app.send_task(TASK, (str(request_id),), queue=queue)

    try:
        tell_broker(wake)
    except Exception as error:
        logger.warning("nobody was told of request %s: %s", request_id, type(error).__name__)


def drop_other_doorbells(queue: str) -> None:
    """Drop the doorbells that wait beside one that is being answered: one look is enough.

    Who rang for a request has committed it before, so the look that follows finds it.
    """

    def drop() -> None:
        with current_app.producer_or_acquire() as producer:
            producer.channel.queue_purge(queue)

    try:
        tell_broker(drop)
    except Exception as error:  # each costs a look then
        logger.warning("doorbells of %s were not dropped: %s", queue, type(error).__name__)


def advance_on_commit(request_id: UUID) -> None:
    """Have a pipeline go on as soon as the present transaction is committed.

    A lost message costs one interval of the reaper.
    """

    def send() -> None:
        current_app.send_task(ADVANCE, (str(request_id),), queue="default")

    def tell() -> None:
        try:
            tell_broker(send)
        except Exception as error:
            logger.warning("pipeline %s was not told: %s", request_id, type(error).__name__)

    transaction.on_commit(tell, robust=True)


def ring_for_next(queue: str, *, any_kind: bool = False) -> None:
    """Wake a worker if a request of the queue may start now.

    Args:
        any_kind: whether to ring also for what this worker cannot do. Not after each message: two
            workers who cannot would send it to each other.
    """
    request_id = lifecycle.next_due(queue=queue, any_kind=any_kind)
    if request_id is not None:
        ring(queue=queue, request_id=request_id)


def ring_for_all() -> None:
    """Wake a worker of every queue in which a request may start now."""
    for queue in lifecycle.queues_waiting():
        ring_for_next(queue, any_kind=True)
