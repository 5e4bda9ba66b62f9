"""Events about notifications for a user's open pages."""

from collections.abc import Sequence
from typing import Any

from backend_django.live.topics import topic

from ..inbox import TOPIC, count_unread, notifications_of
from .serializers import NotificationSerializer, UnreadSerializer


@topic(TOPIC, created=lambda: NotificationSerializer, unread=lambda: UnreadSerializer)
def describe_notifications(user_id: Any, ids: Sequence[str]) -> list[tuple[str, Any]]:
    """Return new notifications, oldest first, and how many are unread now.

    Nothing of those that were read meanwhile: a page that comes back would announce them again.
    """
    named = [each for each in ids if each]  # marking as read names none
    new = notifications_of(user_id).filter(id__in=named, read_at__isnull=True) if named else ()
    created = [("created", dict(NotificationSerializer(row).data)) for row in reversed(new)]
    return [*created, ("unread", {"count": count_unread(user_id)})]
