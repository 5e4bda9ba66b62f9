from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_delete
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext_lazy


class ProcessingConfig(AppConfig):
    """Requests that take long: the row, the worker, the rescue."""

    name = "backend_django.processing"
    verbose_name = gettext_lazy("Requests")

    def ready(self) -> None:
        from backend_django.users.signals import account_leaving

        account_leaving.connect(hold_requests)
        post_delete.connect(delete_files, sender="processing.ProcessingRequest")
        from . import advance, hooks  # noqa: F401 (they listen to what ends)
        from .api import live  # noqa: F401 (says what changes look like)

        autodiscover_modules("processor")


def hold_requests(account: Any, **_: Any) -> None:
    """Let no worker begin or end a request of an account that is being deleted."""
    from .models import ProcessingRequest

    status = ProcessingRequest.Status
    going = ProcessingRequest.objects.filter(
        owner=account, status__in=[status.PENDING, status.PROCESSING]
    )
    list(going.order_by("id").select_for_update().values_list("id"))


def delete_files(instance: Any, origin: Any = None, **_: Any) -> None:
    """Delete the files of a deleted row, also when its owner's account was deleted."""
    from backend_django.files.storage import delete_prefix_on_commit
    from backend_django.uploads.services import uploads_release
    from backend_django.users.models import User

    from .changes import announce_changes
    from .request_files import request_prefix

    announce_changes([instance])
    delete_prefix_on_commit(request_prefix(instance.id))
    if not isinstance(origin, User):  # with an account all its uploads go
        uploads_release(holder=instance.id)
