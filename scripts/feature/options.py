"""Says what a field can't be: optional, unique, or with a default."""

import re
from collections.abc import Callable
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.core.validators import DecimalValidator, URLValidator, validate_email, validate_slug

from scripts.feature.fields import FILES, RANGES, WITH_DEFAULT, Field
from scripts.feature.names import SpecError

WHOLE = r"-?(0|[1-9]\d{0,8})"
FORMS = {
    "int": WHOLE,
    "float": rf"{WHOLE}(\.\d+)?",
    "bool": "true|false",
    "decimal": r"-?\d+(\.\d+)?",
}
VALIDATORS: dict[str, Callable[[str], None]] = {
    "email": validate_email,
    "url": URLValidator(),
    "slug": validate_slug,
}


def check_options(field: Field) -> None:
    """Refuse what a field of its type cannot be.

    Raises:
        SpecError
    """
    name = field.name
    said = field.optional or field.unique or field.default
    refusals = [
        (field.type in {"many", "json"} and said,
         f"{name}: {field.type} may always be left out; leave out what follows it."),
        (field.type == "bool" and (field.optional or field.unique),
         f"{name}: a bool is false unless it is given; leave out what follows it."),
        (field.unique and field.type in {"choice", *FILES, *RANGES},
         f"{name}: a {field.type} cannot be unique."),
        (field.unique and field.type == "ref", f"{name}: a reference cannot be unique."),
        (field.unique and field.type in {"decimal", "float", "date", "datetime"},
         f"{name}: a {field.type} cannot be unique; add a constraint by hand."),
        (field.unique and (field.optional or field.type == "text"),
         f"{name}: what is unique must be there, and short."),
        (field.type in RANGES and field.optional, f"{name}: a {field.type} must be there."),
        (field.default and field.optional,
         f"{name}: what has a default is never missing; leave out the “?”."),
        (field.default and not is_default(field),
         f"{name}: “={field.default}” is no default of type {field.type}."),
    ]  # fmt: skip
    for is_so, sentence in refusals:
        if is_so:
            raise SpecError(sentence)


def is_default(field: Field) -> bool:
    """Return whether a default is a value of the field's type."""
    text = field.default
    if field.type == "choice":
        return text in field.choices
    if field.type not in WITH_DEFAULT:
        return False
    if not re.fullmatch(FORMS.get(field.type, r"[\w@:/.+-]+"), text):
        return False
    if field.max_length and len(text) > field.max_length:
        return False
    try:
        if field.type == "decimal":
            DecimalValidator(*field.digits)(Decimal(text))
        elif field.type in VALIDATORS:
            VALIDATORS[field.type](text)
    except ValidationError:
        return False
    return True
