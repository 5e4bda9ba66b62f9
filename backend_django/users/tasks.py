"""Celery tasks of accounts."""

import logging

from allauth.usersessions.models import UserSession
from celery import shared_task
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from .services import accounts_purge_unconfirmed

logger = logging.getLogger(__name__)


@shared_task
def maintenance_tidy_accounts() -> None:
    """Remove what has run out: sessions, counted failures, accounts nobody confirmed."""
    call_command("clearsessions")
    UserSession.objects.exclude(session_key__in=Session.objects.values("session_key")).delete()
    with connection.cursor() as cursor:  # the cache itself does this only when it is full
        table = connection.ops.quote_name(settings.CACHES["default"]["LOCATION"])
        cursor.execute(f"DELETE FROM {table} WHERE expires < %s", [timezone.now()])  # noqa: S608 # nosec B608
    if removed := accounts_purge_unconfirmed():
        logger.info("removed %d accounts whose address was never confirmed", removed)
