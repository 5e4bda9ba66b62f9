"""Serializers of every kind of request."""

from datetime import datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework import serializers

from backend_django.api.strict import check_form

from ..models import ProcessingAttempt, ProcessingRequest
from ..pipeline import pipeline_of
from ..processor import Processor
from .inputs import InputsMixin, input_fields

LATEST_RUN = timedelta(days=366)


class ProcessingRequestSerializer(serializers.ModelSerializer[ProcessingRequest]):
    """A request's state, the same in create, status, list, cancel and retry."""

    # Between the phases there is none.
    phase = serializers.ChoiceField(
        choices=ProcessingRequest.Phase.choices, allow_blank=True, read_only=True
    )
    queue_position = serializers.IntegerField(
        read_only=True,
        allow_null=True,
        help_text="Requests that are before this one, while it is pending; told by `status`.",
    )

    error_message = serializers.CharField(source="error_text", read_only=True)
    is_pipeline = serializers.SerializerMethodField(
        help_text="Whether its work is steps: `requests/stages/<id>/` says which."
    )

    class Meta:
        model = ProcessingRequest
        fields = [
            "id",
            "name",
            "parent",
            "batch",
            "is_pipeline",
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
            "run_at",
            "input_name",
            "input_size",
            "created_at",
            "started_at",
            "finished_at",
        ]
        read_only_fields = fields

    def get_is_pipeline(self, request: ProcessingRequest) -> bool:
        return pipeline_of(request.kind) is not None


@cache
def _state_serializer() -> ProcessingRequestSerializer:
    return ProcessingRequestSerializer()


def request_state(request: ProcessingRequest) -> dict[str, Any]:
    """Return a request as it goes over the wire.

    By one serializer for all: making one for each poll would cost as much as the rest of the poll.
    """
    return _state_serializer().to_representation(request)


def queue_position(request_id: UUID) -> int:
    """Return how many requests go before a pending one, in its queue."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM processing_processingrequest AS other"
            " JOIN processing_processingrequest AS mine ON mine.id = %s"
            " AND other.queue = mine.queue AND other.status = 'pending'"
            " AND (other.run_at IS NULL OR other.run_at <= statement_timestamp())"
            " AND other.kind NOT IN (SELECT kind FROM processing_pausedkind)"
            " AND (other.priority, other.turn, other.created_at, other.id)"
            " < (mine.priority, mine.turn, mine.created_at, mine.id)",
            [request_id],
        )
        return cursor.fetchone()[0]


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


def _soon(value: datetime) -> datetime:
    if not timezone.now() < value < timezone.now() + LATEST_RUN:
        raise serializers.ValidationError(_("Must be in the future, and within a year."))
    return value


class CreateSerializer(serializers.Serializer[Any]):
    """The fields of a create that every kind has; InputFields of the kind's inputs beside them."""

    name = serializers.CharField(
        max_length=200,
        required=False,
        allow_blank=True,
        help_text="What to call it; the file's name when left out.",
    )
    run_at = serializers.DateTimeField(
        required=False, help_text="When it may begin; at once when left out."
    )
    deadline_at = serializers.DateTimeField(
        required=False, help_text="It fails if it is not over by then."
    )

    def validate_run_at(self, value: datetime) -> datetime:
        return _soon(value)

    def validate_deadline_at(self, value: datetime) -> datetime:
        return _soon(value)

    def to_internal_value(self, data: Any) -> Any:
        """Refuse unknown fields: a misspelt parameter must not be ignored in silence."""
        if hasattr(data, "getlist"):
            check_form(self, data)
        return super().to_internal_value(data)


def create_serializer(processor: type[Processor]) -> type[serializers.Serializer]:
    """Return the serializer of a create: its inputs, a name, and the processor's own parameters."""
    return type(
        f"{processor.title.replace(' ', '')}CreateSerializer",
        (InputsMixin, CreateSerializer, processor.parameters_serializer),
        {"__doc__": f"Create a {processor.title.lower()} request."}
        | {"inputs": processor.inputs}
        | input_fields(processor.inputs),
    )
