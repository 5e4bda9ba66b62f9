"""Serializers of uploads."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from ..models import Upload


class UploadStartSerializer(serializers.Serializer[Any]):
    """A file that is to come in chunks."""

    filename = serializers.CharField(max_length=255)
    size = serializers.IntegerField(
        min_value=1,
        max_value=2**53 - 1,
        error_messages={"min_value": _("The file is empty.")},
        help_text="Bytes.",
    )


@extend_schema_serializer(deprecate_fields=["part_size", "parts"])
class UploadStateSerializer(serializers.ModelSerializer[Upload]):
    """An upload that comes in chunks, and what of it is there."""

    mode = serializers.ChoiceField(
        choices=["server", "direct"],
        read_only=True,
        help_text="`server`: PUT each chunk here. `direct`: POST for its address in the storage.",
    )
    filename = serializers.CharField(source="name", read_only=True)
    chunk_size = serializers.IntegerField(
        read_only=True, help_text="Bytes of each chunk but the last, which has the rest."
    )
    chunks = serializers.IntegerField(read_only=True, help_text="How many; numbered from 1.")
    # Until the next version, under their former names too.
    part_size = serializers.IntegerField(
        source="chunk_size", read_only=True, help_text="The former name of `chunk_size`."
    )
    parts = serializers.IntegerField(
        source="chunks", read_only=True, help_text="The former name of `chunks`."
    )
    expires_at = serializers.DateTimeField(
        read_only=True, help_text="When it is removed, if nothing has become of it."
    )
    received = serializers.ListField(
        child=serializers.IntegerField(), read_only=True, help_text="Chunks that are there."
    )

    class Meta:
        model = Upload
        fields = [
            "id", "mode", "filename", "size", "chunk_size", "chunks", "part_size", "parts",
            "received", "expires_at",
        ]  # fmt: skip
        read_only_fields = fields


class ChunkUrlSerializer(serializers.Serializer[Any]):
    """The destination of a chunk."""

    url = serializers.URLField(help_text="Good for minutes, and for this chunk only.")
