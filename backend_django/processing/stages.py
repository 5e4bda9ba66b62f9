"""The steps of a pipeline as people see them: a fan-out of a thousand is one stage."""

import logging
import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from uuid import UUID

from backend_django.utils.text import clean_text
from backend_django.utils.translation import translate

from .models import ProcessingRequest
from .pipeline import NotCompletedError, Pipeline, Step, open_plan
from .registry import get_processor

logger = logging.getLogger(__name__)
Status = ProcessingRequest.Status
WAITING = "waiting"  # a step that has not begun: for other steps
STATUSES = (WAITING, *Status.values)
SEPARATE = 50  # stages: with more, steps of one kind and place are one stage whatever their keys
MOST = 100  # stages that are told; the rest is counted


@dataclass(frozen=True)
class StepState:
    """The progress of a step, begun or not."""

    key: str
    name: str
    kind: str
    title: str
    after: tuple[str, ...]
    request: UUID | None
    status: str
    progress: int
    error_message: str


@dataclass
class Stage:
    """Steps of one kind, in the same place of the graph."""

    key: str
    after: frozenset[str]
    steps: list[StepState] = field(default_factory=list)

    @property
    def name(self) -> str:
        names = {step.name for step in self.steps}
        return names.pop() if len(names) == 1 else self.steps[0].title

    @property
    def counts(self) -> Counter[str]:
        """Return how many steps have which status."""
        return Counter(step.status for step in self.steps)

    @property
    def status(self) -> str:
        """Return the status of the whole: what is going on, then what went wrong."""
        counts = self.counts
        if counts[Status.PROCESSING] or (counts[Status.PENDING] and counts[Status.COMPLETED]):
            return Status.PROCESSING
        order = (Status.PENDING, Status.FAILED, Status.CANCELLED, WAITING)
        return next((status for status in order if counts[status]), Status.COMPLETED)

    @property
    def progress(self) -> int:
        return sum(step.progress for step in self.steps) // len(self.steps)

    @property
    def failed(self) -> StepState | None:
        """Return the first step that failed."""
        return next((step for step in self.steps if step.status == Status.FAILED), None)


def read_steps(request: ProcessingRequest, pipeline: type[Pipeline]) -> list[StepState]:
    """Return the steps that are known by now, in the order of the plan.

    Of a plan that is wrong, those that it names before it fails; and those that have begun although
    the plan does not name them, as after an upgrade.
    """
    plan = open_plan(request, pipeline)
    try:
        pipeline().steps(plan)
    except NotCompletedError:
        pass
    except Exception as error:  # of its author; the request fails with it when it goes on
        logger.info("the plan of %s failed: %s", request.kind, clean_text(repr(error), 300))
    others = [row for key, row in plan.requests.items() if key not in plan.steps]
    return [*map(_state_of_step, plan.steps.values()), *map(_state_of_other, others)]


def _state_of_step(step: Step) -> StepState:
    row = step.request
    return StepState(
        key=step.key,
        name=step.name,
        kind=step.processor.name,
        title=translate(step.processor.title),
        after=tuple(before.key for before in step.after),
        request=row.id if row else None,
        status=row.status if row else WAITING,
        progress=row.progress if row else 0,
        error_message=row.error_text if row else "",
    )


def _state_of_other(row: ProcessingRequest) -> StepState:
    try:
        title = translate(get_processor(row.kind).title)
    except KeyError:
        title = row.kind
    return StepState(
        key=row.step_key,
        name=row.name,
        kind=row.kind,
        title=title,
        after=(),
        request=row.id,
        status=row.status,
        progress=row.progress,
        error_message=row.error_text,
    )


def group_steps(steps: Iterable[StepState]) -> list[Stage]:
    """Put together the steps of one kind that wait for the same stages, in the order of the plan.

    Those whose keys differ in more than numbers are apart, unless that makes too many stages.
    """
    steps = list(steps)
    stages = _group(steps, lambda step: re.sub(r"\d+", "#", step.key))
    return stages if len(stages) <= SEPARATE else _group(steps, lambda step: "")


def _group(steps: list[StepState], family: Callable[[StepState], Hashable]) -> list[Stage]:
    stages: dict[Hashable, Stage] = {}
    stage_of: dict[str, str] = {}
    for step in steps:  # each comes after those that it waits for
        after = frozenset(stage_of[key] for key in step.after)
        stage = stages.setdefault((step.kind, family(step), after), Stage(step.key, after))
        stage.steps.append(step)
        stage_of[step.key] = stage.key
    return list(stages.values())
