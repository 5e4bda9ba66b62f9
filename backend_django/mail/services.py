"""The life of a mail: queued with what asks for it, sent by a job, tried again until it is gone."""

import logging
import smtplib
from datetime import timedelta
from email.utils import parseaddr
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.mail import BadHeaderError, EmailMessage, get_connection
from django.db import transaction
from django.db.models.functions import Now
from django.utils.translation import get_language, override

from backend_django.utils import outbox
from backend_django.utils.tasks import send_on_commit

from .emails import UnknownKindError, write
from .models import Mail

logger = logging.getLogger(__name__)
TASK = "backend_django.mail.tasks.send_mail"
LONGEST_PAUSE = timedelta(hours=1)


def mail_queue(*, kind: str, recipient: str, content: dict[str, Any]) -> None:
    """Have a mail sent after the present transaction; with it undone, there is no mail.

    It is written in the language of the recipient's account, or else in the one spoken now.
    """
    if (language := get_language()) != settings.LANGUAGE_CODE:
        content = {**content, "language": language}
    mail = Mail.objects.create(kind=kind, recipient=recipient, content=content)
    send_on_commit(TASK, mail.id)


def mail_gather(*, kind: str, recipient: str, items: list[str], seconds: float) -> None:
    """Have one mail sent in a while, about all that is gathered for it until then.

    Args:
        items: what it is about; its writer gets all of them as `content["items"]`.
        seconds: how long more may come.
    """
    waiting = Mail.objects.select_for_update().filter(
        kind=kind, recipient=recipient, attempts=0, finished_at__isnull=True
    )
    with transaction.atomic():
        if mail := waiting.order_by("id").first():
            gathered = mail.content["items"] + items
            Mail.objects.filter(id=mail.id).update(content={"items": gathered})
        else:
            due = Now() + timedelta(seconds=seconds)
            Mail.objects.create(
                kind=kind, recipient=recipient, content={"items": items}, next_attempt_at=due
            )


def mails_send_due() -> None:
    """Send what waits for another attempt, and what no worker was told of."""
    outbox.send_due(Mail.objects.all(), lambda mail_id: mail_send(mail_id=mail_id))


def mail_send(*, mail_id: int) -> None:
    """Try to send a mail that is due; harmless when called twice, or for one that is gone."""
    mail = outbox.claim(Mail.objects.all(), mail_id)
    if mail is None:
        return
    try:
        with override(_language_of(mail)):
            message = write(mail.kind, mail.recipient, mail.content)
        if message is None:
            outbox.finish(mail, "dropped", content={})
            return
        message.extra_headers.setdefault("Message-ID", _message_id(mail))
        with get_connection(settings.MAIL_DELIVERY_BACKEND) as message.connection:
            _have_patience(message.connection)
            message.send()
    except UnknownKindError:
        outbox.finish(mail, "failed", f"nobody writes mails of the kind {mail.kind!r}", content={})
    except Exception as error:
        _record_failure(mail, error)
    else:
        outbox.finish(mail, "sent", content={})
        _tell(mail, message)


def _message_id(mail: Mail) -> str:
    """Return the same for each attempt: receivers drop what comes twice."""
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]
    return f"<{mail.created_at:%Y%m%d%H%M%S%f}.{mail.id}@{domain}>"


def _have_patience(connection: Any) -> None:
    """Wait longer for the yes to a mail than for a connection: its server may look into it first.

    One that is given up then may be on its way all the same, and would be sent again.
    """
    if sock := getattr(getattr(connection, "connection", None), "sock", None):
        sock.settimeout(settings.MAIL_ACCEPT_SECONDS)


def _language_of(mail: Mail) -> str:
    """Return the recipient's choice, or what was spoken when it was queued, or their browser's."""
    users = get_user_model().objects.filter(email=mail.recipient)
    chosen, browser = users.values_list("language", "browser_language").first() or ("", "")
    wanted = (chosen, mail.content.get("language"), browser)
    offered = dict(settings.LANGUAGES)
    return next((code for code in wanted if code in offered), settings.LANGUAGE_CODE)


def _record_failure(mail: Mail, error: Exception) -> None:
    text = f"{type(error).__name__}: {error}"
    if _is_permanent_refusal(error) or outbox.is_too_old(mail, settings.MAIL_GIVE_UP_HOURS):
        outbox.finish(mail, "failed", text, content={})
        return
    pause = timedelta(seconds=settings.MAIL_RETRY_SECONDS) * 2 ** min(mail.attempts - 1, 20)
    outbox.try_later(mail, min(LONGEST_PAUSE, pause), text)


def _is_permanent_refusal(error: Exception) -> bool:
    """Return whether no later attempt will help, as the mail server said (RFC 5321: 5yz)."""
    if isinstance(error, BadHeaderError):  # in content that stays as it is
        return True
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _ in error.recipients.values())
    return isinstance(error, smtplib.SMTPDataError) and error.smtp_code >= 500


def _tell(mail: Mail, message: EmailMessage) -> None:
    where = f", see {settings.EMAIL_FILE_PATH}" if settings.EMAIL_FILE_PATH else ""
    logger.info("mail %s sent: %s%s", mail.id, message.subject, where)


def mails_purge() -> int:
    """Remove finished mails whose retention is over; return how many."""
    return outbox.purge(Mail, settings.MAIL_RETENTION_DAYS)
