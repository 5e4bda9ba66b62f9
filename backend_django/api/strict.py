"""Input that nothing would read, or that would be read as something else, is refused."""

import re
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

_JSON_TYPES: list[tuple[type[serializers.Field], tuple[type, ...], Any]] = [
    (serializers.ChoiceField, (object,), ""),  # checks for itself
    (serializers.BooleanField, (bool,), lazy("Must be true or false.")),
    (serializers.CharField, (str,), lazy("Must be a string.")),
    (serializers.IntegerField, (int,), lazy("Must be a whole number.")),
    (serializers.FloatField, (int, float), lazy("Must be a number.")),
]

_NUMBERS: list[tuple[type[serializers.Field], re.Pattern[str], Any]] = [
    (serializers.IntegerField, re.compile(r"-?[0-9]+"), lazy("Must be a whole number.")),
    (
        serializers.FloatField,
        re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?"),
        lazy("Must be a number."),
    ),
]


def check_members(serializer: serializers.BaseSerializer[Any], data: dict[str, Any]) -> None:
    """Raise ValidationError for members that the serializer does not have or would convert.

    Read-only members pass: a client may send back what it was given.
    """
    fields = getattr(serializer, "fields", {})
    errors: dict[str, Any] = {}
    for name, value in data.items():
        field = fields.get(name)
        if field is None:
            errors[name] = unknown(list(fields))
        elif value is not None and not field.read_only:
            wanted = next((row for row in _JSON_TYPES if isinstance(field, row[0])), None)
            is_bool_as_number = isinstance(value, bool) and wanted and int in wanted[1]
            if wanted and (not isinstance(value, wanted[1]) or is_bool_as_number):
                errors[name] = serializers.ErrorDetail(wanted[2], "invalid")
    if errors:
        raise ValidationError(errors)


def check_form(serializer: serializers.BaseSerializer[Any], data: Any) -> None:
    """Raise ValidationError for fields of a form that are unknown, repeated, or empty for no use.

    Django REST framework takes the last of two values, the default in place of an empty one, and
    `on` and `0` for true and false.
    """
    fields = getattr(serializer, "fields", {})
    errors: dict[str, Any] = {}
    for name in set(data) - {"csrfmiddlewaretoken"}:
        field, values = fields.get(name), data.getlist(name) if hasattr(data, "getlist") else [""]
        if field is None:
            errors[name] = unknown(list(fields))
        elif len(values) > 1 and not isinstance(field, serializers.ListField):
            errors[name] = serializers.ErrorDetail(_("Was given more than once."), "repeated")
        elif isinstance(field, serializers.BooleanField):
            if data[name].lower() not in {"true", "false"}:
                errors[name] = serializers.ErrorDetail(_("Must be true or false."), "invalid")
        elif data[name] == "" and not getattr(field, "allow_blank", False):
            errors[name] = serializers.ErrorDetail(_("May not be empty. Leave it out."), "blank")
        elif wrong := check_number(field, data[name]):
            errors[name] = wrong
    if errors:
        raise ValidationError(errors)


def check_number(field: serializers.Field | None, text: Any) -> serializers.ErrorDetail | None:
    """Return an error for a number that is not written as numbers are: Python also takes digits of
    other scripts, underscores and spaces.
    """
    pattern, message = next((row[1:] for row in _NUMBERS if isinstance(field, row[0])), (None, ""))
    if pattern is None or not isinstance(text, str) or pattern.fullmatch(text):
        return None
    return serializers.ErrorDetail(message, "invalid")


def unknown(known: list[str]) -> serializers.ErrorDetail:
    """Return the message for a name that nothing reads: it may be a misspelt one."""
    names = ", ".join(known) or "none"
    return serializers.ErrorDetail(
        _("There is no such field. Known: %(names)s.") % {"names": names}, "unknown_field"
    )
