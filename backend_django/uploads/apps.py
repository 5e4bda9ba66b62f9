from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_delete


class UploadsConfig(AppConfig):
    """Files that people send, and how much of them."""

    name = "backend_django.uploads"

    def ready(self) -> None:
        post_delete.connect(delete_file, sender="uploads.Upload")
        from .api import usage  # noqa: F401 (says how much is used when that changes)
        from .rows import release_with_rows

        release_with_rows()


def delete_file(instance: Any, **_: Any) -> None:
    """Delete the file of a deleted row, also when its owner's account was deleted."""
    from backend_django.files.storage import delete_prefix_on_commit

    delete_prefix_on_commit(instance.prefix)
