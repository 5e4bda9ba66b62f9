"""The stages of a pipeline with their progress, and the steps of each."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from backend_django.api.queries import read_query

from ..models import ProcessingRequest
from ..pipeline import pipeline_of
from ..stages import MOST, STATUSES, WAITING, Stage, StepState, group_steps, read_steps
from .requests import RequestsView
from .views import ProcessingView

AFTER = 100  # keys of a step's predecessors that are told


class StepSerializer(serializers.Serializer[Any]):
    """One step, whether it has begun or not."""

    key = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.CharField(help_text="Under whose addresses its request is.")
    stage = serializers.CharField(help_text="Key of the stage that it belongs to.")
    after = serializers.ListField(
        child=serializers.CharField(),
        help_text=f"Keys of the steps that it waits for, the first {AFTER}.",
    )
    request = serializers.UUIDField(allow_null=True, help_text="Null until it begins.")
    status = serializers.ChoiceField(choices=STATUSES, help_text=f"`{WAITING}`: for other steps.")
    progress = serializers.IntegerField(min_value=0, max_value=100)
    error_message = serializers.CharField(allow_blank=True)


class StepQuery(serializers.Serializer[Any]):
    """The query of the steps, besides their pages."""

    stage = serializers.CharField(required=False, max_length=100, help_text="Key of a stage.")
    status = serializers.ChoiceField(choices=STATUSES, required=False)


class StageSerializer(serializers.Serializer[Any]):
    """Steps of one kind in the same place of the graph, such as those of a fan-out."""

    key = serializers.CharField(help_text="That of its first step.")
    name = serializers.CharField(help_text="Of its step; of their kind when there are several.")
    kind = serializers.CharField()
    after = serializers.ListField(
        child=serializers.CharField(), help_text="Keys of the stages that it waits for."
    )
    count = serializers.IntegerField(min_value=1, help_text="How many steps it has.")
    counts = serializers.DictField(
        child=serializers.IntegerField(min_value=1), help_text="How many have which status."
    )
    status = serializers.ChoiceField(
        choices=STATUSES, help_text="Of the whole: what is going on, then what went wrong."
    )
    progress = serializers.IntegerField(min_value=0, max_value=100)
    error_message = serializers.CharField(
        allow_blank=True, help_text="Of the first step that failed."
    )
    request = serializers.UUIDField(
        allow_null=True, help_text="Of its only step; null for several, and until it begins."
    )


class StagesSerializer(serializers.Serializer[Any]):
    """A pipeline as a graph, however many steps it has."""

    steps = serializers.IntegerField(min_value=0, help_text="How many are known by now.")
    stages = StageSerializer(many=True, help_text="Each after those that it waits for.")
    left_out = serializers.IntegerField(
        min_value=0, help_text=f"Stages after the first {MOST}, which are not told."
    )


def steps_of(found: ProcessingRequest) -> list[StepState]:
    """Return the steps of a pipeline; NotFound when the request is of another kind."""
    pipeline = pipeline_of(found.kind)
    if pipeline is None:
        raise NotFound("This request has no steps: it is not a pipeline.")
    return read_steps(found, pipeline)


def _stage(stage: Stage) -> dict[str, Any]:
    failed = stage.failed
    return {
        "key": stage.key,
        "name": stage.name,
        "kind": stage.steps[0].kind,
        "after": sorted(stage.after),
        "count": len(stage.steps),
        "counts": stage.counts,
        "status": stage.status,
        "progress": stage.progress,
        "error_message": failed.error_message if failed else "",
        "request": stage.steps[0].request if len(stage.steps) == 1 else None,
    }


class StepsMixin:
    """The steps of a pipeline, of one kind or of any."""

    schema_action = "steps"
    is_list = True
    query_serializer = StepQuery
    serializer_class: Any = StepSerializer

    @extend_schema(responses=StepSerializer(many=True))
    def get(self: Any, request: Request, id: UUID) -> Response:
        """The steps that are known by now, in the order of the plan; of one stage, if asked for."""
        query = read_query(self, request)
        steps = steps_of(self.get_request(id))
        stage_of = {step.key: stage.key for stage in group_steps(steps) for step in stage.steps}
        wanted = [
            step
            for step in steps
            if query.get("stage") in (None, stage_of[step.key])
            and query.get("status") in (None, step.status)
        ]
        page = [
            {**vars(step), "stage": stage_of[step.key], "after": step.after[:AFTER]}
            for step in self.paginate_queryset(wanted)
        ]
        return self.get_paginated_response(StepSerializer(page, many=True).data)


class StepsView(StepsMixin, ProcessingView):
    pass


class AnyKindStepsView(StepsMixin, RequestsView):
    problems = {404: "There is no such request, or it is not a pipeline"}


class StagesView(RequestsView):
    schema_action = "stages"
    pagination_class = None
    serializer_class = StagesSerializer
    problems = {404: "There is no such request, or it is not a pipeline"}

    def get(self, request: Request, id: UUID) -> Response:
        """The graph of a pipeline: steps of one kind and place are one stage, with their counts."""
        steps = steps_of(self.get_request(id))
        stages = group_steps(steps)
        graph = {
            "steps": len(steps),
            "stages": [_stage(stage) for stage in stages[:MOST]],
            "left_out": max(0, len(stages) - MOST),
        }
        return Response(StagesSerializer(graph).data)
