"""The notifications of a user: listed, counted, marked as read, and removed when they are old."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from backend_django.live.publish import publish_on_commit
from backend_django.users.models import User

from .models import Notification

TOPIC = "notification"
COUNTED = 1000  # more unread ones are not counted


def notifications_of(user: Any) -> QuerySet[Notification]:
    """Return the notifications that a user may see: their own, newest first.

    Args:
        user: the user, or their id.
    """
    return Notification.objects.filter(user=user)


def count_unread(user: Any) -> int:
    """Return how many a user has not read, up to `COUNTED`; `user` may be their id."""
    unread = Notification.objects.filter(user=user, read_at__isnull=True).order_by()
    return unread[:COUNTED].count()


@transaction.atomic
def notifications_mark_read(
    *, user: User, ids: Sequence[UUID] | None = None, request_id: UUID | None = None
) -> None:
    """Mark a user's notifications as read: all, or some. Those of others are left alone."""
    unread = Notification.objects.filter(user=user, read_at__isnull=True)
    if ids is not None:
        unread = unread.filter(id__in=ids)
    if request_id is not None:
        unread = unread.filter(request=request_id)
    if unread.update(read_at=Now()):
        publish_on_commit(user_ids=[user.pk], topic=TOPIC)


def notifications_purge() -> int:
    """Remove notifications whose retention is over, read or not; return how many."""
    old = timezone.now() - timedelta(days=settings.NOTIFICATION_RETENTION_DAYS)  # type: ignore[misc]
    return Notification.objects.filter(created_at__lt=old).delete()[0]
