"""Which uploads a user may use."""

from typing import Any

from django.db.models import QuerySet

from .models import Upload


def uploads_visible_to(user: Any, kind: str) -> QuerySet[Upload]:
    """Return the uploads in chunks that a user may see, send chunks of, and have work done on.

    The only place that says so, as `requests_visible_to` does of requests.

    Args:
        user: the user, or their id.
        kind: of work, which the upload was begun for.
    """
    return Upload.objects.filter(owner=user, kind=kind, chunk_size__isnull=False)
