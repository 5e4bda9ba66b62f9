"""What goes over the wire for every kind of request."""

from functools import cache
from typing import Any

from rest_framework import serializers

from ..models import ProcessingAttempt, ProcessingRequest
from ..processor import Processor
from ..registry import get_processor, kinds_of_queue


class ProcessingRequestSerializer(serializers.ModelSerializer[ProcessingRequest]):
    """A request's state, the same in create, status, list, cancel and retry."""

    queue_position = serializers.IntegerField(
        read_only=True,
        allow_null=True,
        help_text="Requests that are before this one, while it is pending; told by `status`.",
    )

    class Meta:
        model = ProcessingRequest
        fields = [
            "id",
            "name",
            "status",
            "phase",
            "step",
            "progress",
            "attempt",
            "max_attempts",
            "error_code",
            "error_message",
            "cancel_requested",
            "queue_position",
            "input_name",
            "input_size",
            "created_at",
            "started_at",
            "finished_at",
        ]
        read_only_fields = fields


@cache
def _state_serializer() -> ProcessingRequestSerializer:
    return ProcessingRequestSerializer()


def request_state(request: ProcessingRequest) -> dict[str, Any]:
    """Return a request as it goes over the wire.

    By one serializer for all: making one for each poll would cost as much as the rest of the poll.
    """
    return _state_serializer().to_representation(request)


def queue_position(request: ProcessingRequest) -> int | None:
    """Return how many requests wait before a pending one, in its queue."""
    if request.status != request.Status.PENDING:
        return None
    return ProcessingRequest.objects.filter(
        status=request.Status.PENDING,
        created_at__lt=request.created_at,
        kind__in=kinds_of_queue(get_processor(request.kind).queue),
    ).count()


class OutsideCallSerializer(serializers.Serializer[Any]):
    """One try at a call to a service of somebody else."""

    method = serializers.CharField()
    host = serializers.CharField()
    outcome = serializers.CharField(help_text="HTTP status, or the name of the error.")
    seconds = serializers.FloatField(required=False)


class ProcessingAttemptSerializer(serializers.ModelSerializer[ProcessingAttempt]):
    """One try at a request. Which machine made it is the operators' business."""

    calls = OutsideCallSerializer(many=True, read_only=True)

    class Meta:
        model = ProcessingAttempt
        fields = ["number", "outcome", "error_code", "calls", "started_at", "finished_at"]
        read_only_fields = fields


class UploadSerializer(serializers.Serializer[Any]):
    """The fields of a create that every kind has."""

    file = serializers.FileField(
        max_length=255, allow_empty_file=False, help_text="The file to work on."
    )
    name = serializers.CharField(
        max_length=200, required=False, help_text="What to call it; the file's name when left out."
    )

    def to_internal_value(self, data: Any) -> Any:
        """Refuse unknown fields: a misspelt parameter must not be ignored in silence."""
        unknown = sorted(set(data) - set(self.fields) - {"csrfmiddlewaretoken"})
        if unknown:
            known = ", ".join(self.fields)
            raise serializers.ValidationError(
                {name: [f"There is no such field. Known: {known}."] for name in unknown},
                code="unknown_field",
            )
        return super().to_internal_value(data)


def create_serializer(processor: type[Processor]) -> type[serializers.Serializer]:
    """Return the serializer of a create: the upload and the processor's own parameters."""
    return type(
        f"{processor.title.replace(' ', '')}CreateSerializer",
        (UploadSerializer, processor.parameters_serializer),
        {"__doc__": f"Create a {processor.title.lower()} request."},
    )
