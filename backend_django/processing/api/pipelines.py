"""What a pipeline consists of, and how far each step is."""

from typing import Any, cast
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from ..models import ProcessingRequest
from ..pipeline import Pipeline, Step, make_plan
from .views import ProcessingView

WAITING = "waiting"


class StepSerializer(serializers.Serializer[Any]):
    """One step, whether it has begun or not."""

    key = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.CharField(help_text="Under whose addresses its request is.")
    after = serializers.ListField(
        child=serializers.CharField(), help_text="Keys of the steps that it waits for."
    )
    request = serializers.UUIDField(allow_null=True, help_text="Null until it begins.")
    status = serializers.ChoiceField(
        choices=[WAITING, *ProcessingRequest.Status.values], help_text="`waiting`: for other steps."
    )
    progress = serializers.IntegerField(min_value=0, max_value=100)
    error_message = serializers.CharField(allow_blank=True)


class StepsView(ProcessingView):
    schema_action = "steps"
    pagination_class = None
    serializer_class = StepSerializer  # type: ignore[assignment]

    @extend_schema(responses=StepSerializer(many=True))
    def get(self, request: Request, id: UUID) -> Response:
        """The steps that are known by now, in the order of the plan."""
        plan, _ = make_plan(self.get_request(id), cast(type[Pipeline], self.processor))
        steps = [_state(step) for step in plan.steps.values()]
        return Response(StepSerializer(steps, many=True).data)


def _state(step: Step) -> dict[str, Any]:
    row = step.request
    return {
        "key": step.key,
        "name": step.name,
        "kind": step.processor.name,
        "after": [before.key for before in step.after],
        "request": row.id if row else None,
        "status": row.status if row else WAITING,
        "progress": row.progress if row else 0,
        "error_message": row.error_message if row else "",
    }
