"""Translation of database constraint errors into errors that the caller understands.

The database is the judge: what is asked before writing may be different a moment later.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from django.db import IntegrityError, connection, transaction
from django.db.models import Model, ProtectedError, RestrictedError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from psycopg.errors import ForeignKeyViolation
from rest_framework.exceptions import ErrorDetail, ValidationError

from backend_django.utils.errors import Conflict
from backend_django.utils.messages import Message

M = TypeVar("M", bound=Model)
# What a constraint refuses, by the end of its name: `<feature>_<model>_<field>_unique`.
REFUSALS = {
    "unique": gettext_lazy("This is taken."),
    "order": gettext_lazy("The end must be after the start."),
    "overlap": gettext_lazy("There is another one in this period."),
    "does_not_exist": gettext_lazy("There is nothing with this id."),  # any more
}


def row_create(model: type[M], /, **values: Any) -> M:
    """Create a row, with the rows that it refers to many of.

    Raises:
        ValidationError: a constraint refuses a value.
    """
    many = {field.name for field in model._meta.many_to_many} & values.keys()
    row = model(**{name: value for name, value in values.items() if name not in many})
    with refusals(model):
        row.save(force_insert=True)
        for name in many:
            getattr(row, name).set(values[name])
    return row


def row_update(row: Model, changes: Mapping[str, Any]) -> None:
    """Change some fields of a row, which has an `updated_at`.

    Raises:
        ValidationError: a constraint refuses a value.
    """
    many = {field.name for field in row._meta.many_to_many} & changes.keys()
    for name in changes.keys() - many:
        setattr(row, name, changes[name])
    with refusals(type(row)):
        row.save(update_fields=[*changes.keys() - many, "updated_at"])
        for name in many:
            getattr(row, name).set(changes[name])


@contextmanager
def refusals(model: type[Model]) -> Iterator[None]:
    """Turn what a constraint of a model refuses into a ValidationError of its field."""
    try:
        with transaction.atomic():
            yield
            connection.check_constraints()  # else keys are checked when nobody can say it any more
    except IntegrityError as error:
        diag = getattr(error.__cause__, "diag", None)
        constraint = getattr(diag, "constraint_name", "") or ""
        rest, _underscore, kind = constraint.rpartition("_")
        names = [f.name for f in model._meta.fields if f"_{rest}".endswith(f"_{f.name}")]
        if isinstance(error.__cause__, ForeignKeyViolation):
            names = _refer(model, constraint, getattr(diag, "table_name", "") or "")
            kind = "does_not_exist"
        if not names or kind not in REFUSALS:
            raise
        detail = ErrorDetail(str(REFUSALS[kind]), kind)
        raise ValidationError({max(names, key=len): detail}) from error


def _refer(model: type[Model], constraint: str, table: str) -> list[str]:
    """Return the fields of a model that a foreign key is of, by Django's name for it."""
    if table != model._meta.db_table:
        return [f.name for f in model._meta.many_to_many if f.m2m_db_table() == table]
    return [f.name for f in model._meta.concrete_fields if f"_{f.column}_" in constraint]


@contextmanager
def unique(*fields: str) -> Iterator[None]:
    """Turn a second row with the same value into a ValidationError of the field.

    Features that were written by the release before use it; `refusals` knows more.
    """
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        constraint = getattr(getattr(error.__cause__, "diag", None), "constraint_name", "") or ""
        taken = [field for field in fields if constraint.endswith(f"_{field}_unique")]
        if not taken:
            raise
        raise ValidationError({taken[0]: ErrorDetail(_("This is taken."), "unique")}) from error


@contextmanager
def conflict_if_used(sentence: str) -> Iterator[None]:
    """Turn the deletion of a row that others refer to into a Conflict that says `sentence`."""
    try:
        with transaction.atomic():
            yield
            connection.check_constraints()  # others may have begun to refer to it meanwhile
    except IntegrityError as error:
        is_key = isinstance(error.__cause__, ForeignKeyViolation)
        if not (is_key or isinstance(error, (ProtectedError, RestrictedError))):
            raise
        said = Message(
            "%(sentence)s Ask others, or an administrator, to delete what is theirs.",
            sentence=sentence,
        )
        raise Conflict(said, code="in_use") from error
