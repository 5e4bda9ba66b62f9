"""Celery tasks: thin, because the row knows more than the message."""

import logging

from celery import shared_task

from . import deliveries, inbox

logger = logging.getLogger(__name__)


@shared_task
def send_delivery(delivery_id: str) -> None:
    deliveries.deliveries_send_in_turn(delivery_id=delivery_id)


@shared_task
def maintenance_send_due() -> None:
    """Send deliveries that wait. Sent by beat."""
    deliveries.deliveries_send_due()


@shared_task
def maintenance_tidy_deliveries() -> None:
    """Remove deliveries and notifications that are past their retention. Sent by beat."""
    if removed := deliveries.deliveries_purge():
        logger.info("removed %d webhook deliveries past retention", removed)
    if removed := inbox.notifications_purge():
        logger.info("removed %d notifications past retention", removed)
