"""What goes over the wire of an upload."""

from typing import Any

from rest_framework import serializers

from ..models import Upload


class UploadStartSerializer(serializers.Serializer[Any]):
    """A file that is to come in parts."""

    filename = serializers.CharField(max_length=255)
    size = serializers.IntegerField(
        min_value=1,
        max_value=2**53 - 1,
        error_messages={"min_value": "The file is empty."},
        help_text="Bytes.",
    )


class UploadStateSerializer(serializers.ModelSerializer[Upload]):
    """An upload that comes in parts, and what of it is there."""

    mode = serializers.ChoiceField(
        choices=["server", "direct"],
        read_only=True,
        help_text="`server`: PUT each part here. `direct`: POST for its address in the storage.",
    )
    filename = serializers.CharField(source="name", read_only=True)
    part_size = serializers.IntegerField(
        read_only=True, help_text="Bytes of each part but the last, which has the rest."
    )
    parts = serializers.IntegerField(read_only=True, help_text="How many; numbered from 1.")
    expires_at = serializers.DateTimeField(
        read_only=True, help_text="When it is removed, if nothing has become of it."
    )
    received = serializers.ListField(
        child=serializers.IntegerField(), read_only=True, help_text="Parts that are there."
    )

    class Meta:
        model = Upload
        fields = [
            "id", "mode", "filename", "size", "part_size", "parts", "received", "expires_at",
        ]  # fmt: skip
        read_only_fields = fields


class PartUrlSerializer(serializers.Serializer[Any]):
    """Where a part goes."""

    url = serializers.URLField(help_text="Good for minutes, and for this part only.")
