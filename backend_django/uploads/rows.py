"""Files of rows: a model refers to an upload for each, and holds it for as long as it does."""

from typing import Any

from django.apps import apps
from django.db.models import ForeignKey, Model
from django.db.models.signals import post_delete

from backend_django.utils.errors import NotFound

from .models import Upload
from .services import GONE, uploads_hold, uploads_release


def files_of(model: type[Model]) -> list[str]:
    """Return the names of the fields that have files."""
    return [
        field.name
        for field in model._meta.concrete_fields
        if isinstance(field, ForeignKey) and field.related_model is Upload
    ]


def files_keep(*, row: Model) -> None:
    """Hold the files that a row refers to now, and remove those that it no longer does.

    Call it in the transaction that has written the row, whose id is a UUID. What refers to a file
    is read from there: another edit may have added one since the row was loaded.

    Raises:
        NotFound: an upload has expired, or something else holds it.
    """
    names = [f"{name}_id" for name in files_of(type(row))]
    _pk, *files = type(row)._base_manager.values_list("pk", *names).get(pk=row.pk)
    kept = set(files) - {None}
    held = Upload.objects.filter(held_by=row.pk)
    held.exclude(id__in=kept).delete()
    new = Upload.objects.filter(id__in=kept).exclude(held_by=row.pk)
    if not uploads_hold(uploads=new, holder=row.pk) or held.count() < len(kept):
        raise NotFound(GONE)


def release_with_rows() -> None:
    """Have the files of a row removed with it, whoever deletes it. Called while Django starts."""
    for model in apps.get_models():
        if files_of(model):
            post_delete.connect(_release, sender=model)


def _release(instance: Any, **_: Any) -> None:
    uploads_release(holder=instance.pk)
