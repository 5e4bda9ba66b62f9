"""The URL pattern of what is kept in a table; the slash at the end is optional."""

from collections.abc import Sequence

from django.db import transaction
from django.urls import URLPattern, re_path
from rest_framework.views import APIView

ID = r"(?P<id>[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"


def crud_urls(
    prefix: str = "",
    *,
    create: type[APIView],
    list: type[APIView],
    detail: type[APIView],
    update: type[APIView],
    delete: type[APIView],
    download: type[APIView] | None = None,
    files: Sequence[str] = (),
) -> list[URLPattern]:
    """Return the addresses of a model: create, list, detail, update and delete.

    Args:
        prefix: "" for the feature's main model, "categories/" for another one.
        download: the view of its files, a `FileView`.
        files: fields that have files, each of which has an address: `download-<field>/`.
    """

    def reading(view: type[APIView], **options: str):  # type: ignore[no-untyped-def]
        return transaction.non_atomic_requests(view.as_view(**options))

    return [
        re_path(rf"^{prefix}create/?$", create.as_view()),
        re_path(rf"^{prefix}list/?$", reading(list)),
        re_path(rf"^{prefix}detail/{ID}/?$", reading(detail)),
        re_path(rf"^{prefix}update/{ID}/?$", update.as_view()),
        re_path(rf"^{prefix}delete/{ID}/?$", delete.as_view()),
        *(
            re_path(rf"^{prefix}download-{field}/{ID}/?$", reading(download, field=field))
            for field in files
            if download
        ),
    ]
