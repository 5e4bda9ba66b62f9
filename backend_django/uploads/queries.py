"""The uploads that a user may use."""

from typing import Any

from django.db.models import QuerySet

from backend_django.policies import visible

from .models import Upload


def uploads_visible_to(user: Any, kind: str) -> QuerySet[Upload]:
    """Return the uploads in chunks that a user may see.

    Args:
        user: the user, or their id.
        kind: of work, which the upload was begun for.
    """
    return visible(uploads_of_kind(kind), user)


def uploads_of_kind(kind: str) -> QuerySet[Upload]:
    """Return the uploads in chunks that were begun for a kind of work, of all owners."""
    return Upload.objects.filter(kind=kind, chunk_size__isnull=False)
