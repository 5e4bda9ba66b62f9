"""The life of a mail: queued with what asks for it, sent by a job, tried again until it is gone."""

import logging
import smtplib
import time
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from backend_django.utils.broker_wait import tell_broker

from .letters import UnknownKindError, write
from .models import Mail

logger = logging.getLogger(__name__)
LEASE = timedelta(minutes=2)  # a worker that did not say how it went by then is lost
LONGEST_PAUSE = timedelta(hours=1)
BATCH = 200
ROUND_SECONDS = 20  # a mail server that hangs must not keep a worker for longer
HEARD_AFTER = timedelta(seconds=10)  # a worker that is free has taken a new mail by then


def mail_queue(*, kind: str, recipient: str, content: dict[str, Any]) -> None:
    """Have a mail sent after the present transaction; with it undone, there is no mail."""
    mail = Mail.objects.create(kind=kind, recipient=recipient, content=content)
    transaction.on_commit(lambda: mail_enqueue(mail_id=mail.id), robust=True)


def mail_enqueue(*, mail_id: int) -> None:
    """Hand a mail to a worker. Never raises for a broker that does not respond."""
    from .tasks import send_mail

    try:
        tell_broker(lambda: send_mail.apply_async((mail_id,)))
    except Exception as error:
        logger.warning("mail %s waits for the next round: %s", mail_id, type(error).__name__)


def mails_send_due() -> None:
    """Send what waits for another attempt, and what no worker was told of.

    Here, not by a message for each: messages that wait for a busy worker would grow in number with
    every round.
    """
    deadline = time.monotonic() + ROUND_SECONDS
    unheard = Q(attempts__gt=0) | Q(created_at__lt=timezone.now() - HEARD_AFTER)
    due = Mail.objects.filter(
        unheard, finished_at__isnull=True, next_attempt_at__lte=timezone.now()
    ).order_by("next_attempt_at")
    for mail_id in list(due.values_list("id", flat=True)[:BATCH]):
        mail_send(mail_id=mail_id)
        if time.monotonic() > deadline:
            break


def mail_send(*, mail_id: int) -> None:
    """Try to send a mail that is due; harmless when called twice, or for one that is gone.

    A worker that dies between the mail server's yes and the row's update sends it twice.
    """
    mail = _claim(mail_id)
    if mail is None:
        return
    try:
        message = write(mail.kind, mail.recipient, mail.content)
        if message is None:
            _finish(mail, "dropped")
            return
        message.connection = get_connection(settings.MAIL_DELIVERY_BACKEND)
        message.send()
    except UnknownKindError:
        _finish(mail, "failed", f"nobody writes mails of the kind {mail.kind!r}")
    except Exception as error:
        _failed(mail, error)
    else:
        _finish(mail, "sent")
        _tell(mail, message)


def _claim(mail_id: int) -> Mail | None:
    with transaction.atomic():
        mail = (
            Mail.objects.select_for_update(skip_locked=True)
            .filter(id=mail_id, finished_at__isnull=True, next_attempt_at__lte=Now())
            .first()
        )
        if mail is not None:
            mail.attempts += 1
            Mail.objects.filter(id=mail_id).update(
                attempts=mail.attempts, next_attempt_at=Now() + LEASE
            )
    return mail


def _finish(mail: Mail, outcome: str, error: str = "") -> None:
    Mail.objects.filter(id=mail.id).update(
        finished_at=Now(), outcome=outcome, error=error, content={}
    )
    if outcome == "failed":
        logger.error("mail %s (%s) is given up: %s", mail.id, mail.kind, error)


def _failed(mail: Mail, error: Exception) -> None:
    text = f"{type(error).__name__}: {error}"[:300]
    age = timezone.now() - mail.created_at
    if _refused_for_good(error) or age > timedelta(hours=settings.MAIL_GIVE_UP_HOURS):
        _finish(mail, "failed", text)
        return
    pause = min(
        LONGEST_PAUSE, timedelta(seconds=settings.MAIL_RETRY_SECONDS) * 2 ** (mail.attempts - 1)
    )
    Mail.objects.filter(id=mail.id).update(next_attempt_at=Now() + pause, error=text)
    logger.warning("mail %s (%s) is tried again in %s: %s", mail.id, mail.kind, pause, text)


def _refused_for_good(error: Exception) -> bool:
    """Whether the mail server said that no later attempt will help (RFC 5321: 5yz)."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _ in error.recipients.values())
    return isinstance(error, smtplib.SMTPDataError) and error.smtp_code >= 500


def _tell(mail: Mail, message: EmailMessage) -> None:
    where = f", see {settings.EMAIL_FILE_PATH}" if settings.EMAIL_FILE_PATH else ""
    logger.info("mail %s sent: %s%s", mail.id, message.subject, where)


def mails_purge() -> int:
    """Remove finished mails whose retention is over; return how many."""
    old = timezone.now() - timedelta(days=settings.MAIL_RETENTION_DAYS)
    removed, _ = Mail.objects.filter(finished_at__lt=old).delete()
    return removed
