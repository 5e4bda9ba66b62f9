"""The inputs of a kind as fields of its create."""

import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from ..inputs import Input, ResultSource, Source, UploadSource, UrlSource, refusal

BINARY = {"type": "string", "format": "binary", "minLength": 1}
REFERENCE = re.compile(r"(upload|request):([0-9a-fA-F-]{36})")
URL_CHARACTERS = 2000


@extend_schema_field(BINARY)
class UploadField(serializers.FileField):
    """A file that is not empty, of a name that the input accepts."""

    def __init__(self, declared: Input, **kwargs: Any) -> None:
        super().__init__(max_length=255, **kwargs)
        self.declared = declared

    def to_internal_value(self, data: Any) -> Any:
        file = super().to_internal_value(data)
        if not self.declared.accepts(file.name or ""):
            raise serializers.ValidationError(refusal(self.declared))
        return file


@extend_schema_field({"type": "string", "minLength": 1})
class SourceField(UploadField):
    """A file, or a text that names one: `upload:<id>`, `request:<id>`."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            return super().to_internal_value(data)
        if self.declared.url and data.startswith(("http://", "https://")):
            serializers.URLField(max_length=URL_CHARACTERS).run_validation(data)
            return UrlSource(data)
        match = REFERENCE.fullmatch(data)
        if match is None or (match[1] == "request" and not self.declared.result_of):
            ways = _ways(self.declared)
            raise serializers.ValidationError(_("Send %(ways)s.") % {"ways": ways}, "invalid")
        try:
            named = UUID(match[2])
        except ValueError:
            raise serializers.ValidationError(_("Must be a valid UUID.")) from None
        return UploadSource(named) if match[1] == "upload" else ResultSource(named)


def input_fields(inputs: Mapping[str, Input]) -> dict[str, serializers.Field]:
    """Return the fields of a create for the inputs of a kind."""
    return {key: field for name in inputs for key, field in _fields(name, inputs[name]).items()}


def _fields(name: str, declared: Input) -> dict[str, serializers.Field]:
    if _is_plain(name, declared):
        # The one file of most kinds has a field of its own for an upload in chunks.
        return {
            name: UploadField(declared, required=False, help_text="The file to work on."),
            "upload": serializers.UUIDField(
                required=False, help_text="Instead of a file: an upload whose chunks are all there."
            ),
        }
    help_text = f"{declared.label}: {_ways(declared)}."
    field = SourceField(declared, required=declared.required, help_text=help_text)
    if not declared.many:
        return {name: field}
    many = serializers.ListField(
        child=SourceField(declared),
        required=declared.required,
        allow_empty=not declared.required,
        max_length=declared.most,
        help_text=help_text,
    )
    return {name: many}


def _is_plain(name: str, declared: Input) -> bool:
    return name == "file" and not (declared.many or declared.result_of or declared.url)


def _ways(declared: Input) -> str:
    """Say how a file may be given."""
    ways = [_("a file"), _("`upload:<id>` of one whose chunks are all there")]
    if declared.result_of:
        kinds = _(" or ").join(declared.kinds)
        ways.append(_("`request:<id>` of a completed request of %(kinds)s") % {"kinds": kinds})
    if declared.url:
        ways.append(_("the public address of a file, with https://"))
    return _("%(ways)s or %(last)s") % {"ways": ", ".join(ways[:-1]), "last": ways[-1]}


class InputsMixin:
    """Of a create serializer: which fields are its inputs, and what they name."""

    inputs: Mapping[str, Input]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        declared = self.inputs.get("file")
        if declared and _is_plain("file", declared):
            if declared.required and "file" not in attrs and "upload" not in attrs:
                raise serializers.ValidationError({"file": _("No file was submitted.")}, "required")
            if "file" in attrs and "upload" in attrs:
                raise serializers.ValidationError(
                    {"upload": _("Send a file or an upload, not both.")}
                )
        return super().validate(attrs)  # type: ignore[misc]

    def take_sources(self, values: dict[str, Any]) -> dict[str, list[Source]]:
        """Remove the inputs from validated values and return them."""
        sources: dict[str, list[Source]] = {}
        if "upload" in values and "upload" not in self.inputs:
            sources["file"] = [UploadSource(values.pop("upload"))]
        for name, declared in self.inputs.items():
            if name in values:
                value = values.pop(name)
                sources[name] = value if declared.many else [value]
        return sources
