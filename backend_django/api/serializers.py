"""Models over the wire, read as strictly as the rest of the API."""

import json
import re
from typing import Any, TypeVar

from django.db import models
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext_lazy as _
from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from rest_framework import serializers
from rest_framework.fields import empty
from rest_framework.validators import UniqueValidator

from backend_django.policies import Action, is_seen_by_all, owner_for

M = TypeVar("M", bound=models.Model)
DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)", re.ASCII)


class DecimalField(serializers.DecimalField):
    """Digits in a string, both ways: a JSON number would be rounded on its way."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        whole = (self.max_digits or 12) - (self.decimal_places or 0)
        point = rf"(\.[0-9]{{1,{self.decimal_places}}})?" if self.decimal_places else ""
        self.pattern = rf"^-?[0-9]{{1,{whole}}}{point}$"

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str) or not re.fullmatch(self.pattern[1:-1], data):
            raise serializers.ValidationError(_('Must be a decimal in a string, such as "12.50".'))
        return super().to_internal_value(data)


class DecimalFieldSchema(OpenApiSerializerFieldExtension):
    target_class = DecimalField

    def map_serializer_field(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        return {"type": "string", "format": "decimal", "pattern": self.target.pattern}


class TextField(serializers.CharField):
    """Text as PostgreSQL stores it: without a null character, and the OpenAPI document says so."""


class TextFieldSchema(OpenApiSerializerFieldExtension):
    target_class = TextField

    def map_serializer_field(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        filled = direction == "request" and not self.target.allow_blank
        return {
            "type": "string",
            "pattern": r"^[^\u0000]+$",  # drf-spectacular adds the empty text where it is allowed
            "maxLength": self.target.max_length,
            **({"minLength": 1} if filled else {}),
        }


class JSONField(serializers.JSONField):
    """Any JSON that PostgreSQL stores: it has no null character."""

    def to_internal_value(self, data: Any) -> Any:
        if "\\u0000" in json.dumps(data):
            raise serializers.ValidationError(_("Null characters are not allowed."))
        return super().to_internal_value(data)


class DateField(serializers.DateField):
    """2026-03-01, and nothing else that could be taken for a date."""

    def to_internal_value(self, value: Any) -> Any:
        if not isinstance(value, str) or not DATE.fullmatch(value) or not _parses(value):
            raise serializers.ValidationError(_("Must be a date, such as 2026-03-01."))
        return super().to_internal_value(value)


class DateTimeField(serializers.DateTimeField):
    """2026-03-01T12:00:00Z: without an offset nobody knows when that is."""

    def to_internal_value(self, value: Any) -> Any:
        if not isinstance(value, str) or not DATE_TIME.fullmatch(value) or not _parses(value):
            raise serializers.ValidationError(
                _("Must be a time with its offset, such as 2026-03-01T12:00:00Z.")
            )
        return super().to_internal_value(value)


def _parses(value: str) -> bool:
    try:
        return (parse_datetime(value) or parse_date(value)) is not None
    except ValueError:
        return False


class RelatedField(serializers.PrimaryKeyRelatedField):
    """The id of a row that the caller may see: where rows have an owner, of the same one."""

    default_error_messages = {"does_not_exist": _("There is nothing with this id.")}

    def get_queryset(self) -> Any:
        rows: Any = super().get_queryset()
        if is_seen_by_all(rows.model):
            return rows
        if any(field.name == "owner" for field in rows.model._meta.get_fields()):
            return rows.filter(owner=self._owner())
        return rows

    def _owner(self) -> Any:
        changed: Any = getattr(self.root, "instance", None)
        if hasattr(changed, "owner_id"):
            return changed.owner_id
        request = self.context["request"]
        return owner_for(request.user, request, Action.VIEW)

    def run_validation(self, data: Any = empty) -> Any:
        # Before the parent, which takes an empty text for null.
        if data not in (empty, None) and (not isinstance(data, str) or not data):
            raise serializers.ValidationError(_("Must be an id in a string."))
        return super().run_validation(data)


class MayChangeField(serializers.BooleanField):
    """A read-only field: may the caller change the row, as `OwnRows` says? Its author may."""

    def get_attribute(self, instance: Any) -> Any:
        return getattr(instance, "may_change", True)


class ModelSerializer(serializers.ModelSerializer[M]):
    """Like Django REST framework's, with the fields above."""

    serializer_field_mapping = serializers.ModelSerializer.serializer_field_mapping | {
        models.DecimalField: DecimalField,
        models.DateField: DateField,
        models.DateTimeField: DateTimeField,
        models.JSONField: JSONField,
    }
    serializer_related_field = RelatedField

    def get_fields(self) -> dict[str, Any]:
        fields = super().get_fields()
        if is_seen_by_all(self.Meta.model):
            fields["may_change"] = MayChangeField(read_only=True)
        return fields

    def build_standard_field(self, field_name: str, model_field: Any) -> Any:
        """Without a question whether a value is taken: the database says so, see writes.py."""
        field_class, options = super().build_standard_field(field_name, model_field)
        validators = options.pop("validators", [])
        if kept := [v for v in validators if not isinstance(v, UniqueValidator)]:
            options["validators"] = kept
        return field_class, options
