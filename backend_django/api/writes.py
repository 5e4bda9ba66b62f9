"""What the database refuses, said as an error that the caller understands.

The database is the judge: what is asked before writing may be different a moment later.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import IntegrityError, transaction
from django.db.models import RestrictedError
from django.utils.translation import gettext as _
from rest_framework.exceptions import ErrorDetail, ValidationError

from backend_django.utils.errors import Conflict


@contextmanager
def unique(*fields: str) -> Iterator[None]:
    """Turn a second row with the same value into a ValidationError of the field.

    The constraint of a field is called `<model>_<field>_unique`.
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
def unused(sentence: str) -> Iterator[None]:
    """Turn the deletion of a row that others refer to into a Conflict that says `sentence`."""
    try:
        yield
    except RestrictedError as error:
        raise Conflict(sentence, code="in_use") from error
