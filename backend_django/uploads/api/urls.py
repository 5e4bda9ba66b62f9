"""The URLs for uploading large files in chunks."""

from collections.abc import Callable

from django.conf import settings
from django.db import transaction
from django.urls import URLPattern, re_path

from backend_django.api.urls import ID

from . import views


def upload_urls(kind: str, limit: Callable[[], int] | None = None) -> list[URLPattern]:
    """Return the addresses of uploads for one kind of work, or for the rows of a feature.

    Args:
        kind: what they are for: the name of a job or of a feature.
        limit: returns the bytes that one file may have.
    """

    def bound(view: type[views.UploadBase]):  # type: ignore[no-untyped-def]
        callback = view.as_view(kind=kind, limit=limit or _usual_limit)
        return transaction.non_atomic_requests(callback)

    return [
        re_path(r"^upload/?$", bound(views.UploadsView)),
        re_path(rf"^upload/{ID}/?$", bound(views.UploadView)),
        re_path(rf"^upload/{ID}/parts/(?P<number>[0-9]{{1,5}})/?$", bound(views.ChunkView)),
    ]


def _usual_limit() -> int:
    return int(settings.PROCESSING_MAX_UPLOAD_BYTES)
