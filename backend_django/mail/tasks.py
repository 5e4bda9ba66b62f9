"""Celery tasks: thin, because the row knows more than the message."""

import logging

from celery import shared_task

from . import services

logger = logging.getLogger(__name__)


@shared_task
def send_mail(mail_id: int) -> None:
    services.mail_send(mail_id=mail_id)


@shared_task
def maintenance_send_due() -> None:
    """Send mails that wait. Sent by beat."""
    services.mails_send_due()


@shared_task
def maintenance_tidy_mail() -> None:
    """Remove mails that are past their retention. Sent by beat."""
    if removed := services.mails_purge():
        logger.info("removed %d mails past retention", removed)
