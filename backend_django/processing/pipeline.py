"""Requests whose work is other requests: what an author writes.

A pipeline says in plain Python which steps there are. Its `steps()` is called anew whenever a step
has ended, and names the same steps each time; what it needs of a step that is not completed ends
the call there. So a chain, a fan-out over a list that an earlier step brought, a fan-in and a
condition are a call, a loop, a list and an `if`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from backend_django.files.refs import FileRef

from .inputs import InputRef, input_refs
from .models import ProcessingRequest
from .processor import Context, Output, Processor
from .registry import get_processor

Status = ProcessingRequest.Status


class NotCompletedError(Exception):
    """A plan needs what a step has not brought yet: the engine waits for it."""


@dataclass(frozen=True)
class StepFile:
    """A file of a step's result, there or not yet."""

    step: "Step"
    key: str

    def ref(self) -> InputRef:
        """Return the file in the storage.

        Raises:
            NotCompletedError: it is not there yet.
            KeyError: the step completed without it.
        """
        request = self.step.completed_request()
        file: FileRef = request.result.files[self.key]
        return {**file, "source": {"request": str(request.id), "file": self.key}}


Files = StepFile | InputRef | Sequence[StepFile | InputRef]


@dataclass
class Step:
    """One step of a pipeline: a request of its own, as soon as all that it needs is there."""

    key: str
    processor: type[Processor]
    name: str
    parameters: dict[str, Any]
    inputs: dict[str, list[StepFile | InputRef]]
    after: list["Step"]
    request: ProcessingRequest | None = None

    @property
    def is_completed(self) -> bool:
        return self.request is not None and self.request.status == Status.COMPLETED

    @property
    def is_ready(self) -> bool:
        """Whether nothing has to be waited for."""
        return all(step.is_completed for step in self.after)

    @property
    def result(self) -> dict[str, Any]:
        """The result of the step; the plan ends here until the step is completed."""
        return self.completed_request().result.data

    def file(self, key: str) -> StepFile:
        """Return a file of its result, for the inputs of another step or for the pipeline's own."""
        return StepFile(self, key)

    def completed_request(self) -> ProcessingRequest:
        if self.request is None or not self.is_completed:
            raise NotCompletedError(self.key)
        return self.request


@dataclass
class Plan:
    """The steps of one request, as far as they are known."""

    request: ProcessingRequest
    pipeline: type["Pipeline"]
    steps: dict[str, Step] = field(default_factory=dict)
    requests: Mapping[str, ProcessingRequest] = field(default_factory=dict)

    @property
    def parameters(self) -> Any:
        """As in `Context`."""
        return self.pipeline.typed_parameters(self.request.parameters)

    def files(self, key: str) -> list[InputRef]:
        """Return the files of an input of the pipeline, to give them to a step."""
        return input_refs(self.request).get(key, [])

    def step(
        self,
        key: str,
        processor: type[Processor],
        *,
        inputs: Mapping[str, Files] | None = None,
        parameters: Mapping[str, Any] | None = None,
        after: Iterable[Step] = (),
        name: str = "",
    ) -> Step:
        """Declare a step. It begins when the steps are completed whose files it needs.

        Args:
            key: what tells it from the other steps, the same in each call: up to 100 characters.
            after: further steps that must be completed first.
            name: what people see; the title of its kind when left out.
        """
        if key in self.steps:
            raise ValueError(f"two steps are called {key!r}")
        given = {name: _several(value) for name, value in (inputs or {}).items()}
        needed = [
            file.step for files in given.values() for file in files if isinstance(file, StepFile)
        ]
        step = Step(
            key=key,
            processor=processor,
            name=name or processor.title,
            parameters=dict(parameters or {}),
            inputs=given,
            after=list({step.key: step for step in [*after, *needed]}.values()),
            request=self.requests.get(key),
        )
        self.steps[key] = step
        return step


def _several(files: Files) -> list[StepFile | InputRef]:
    return [cast(InputRef, files)] if isinstance(files, StepFile | dict) else [*files]


@dataclass(frozen=True)
class PipelineOutput:
    """The result of a pipeline: a `Result` or plain JSON, and files of its steps by key."""

    data: Any = field(default_factory=dict)
    files: Mapping[str, StepFile] = field(default_factory=dict)


class Pipeline(Processor):
    """One kind of pipeline: `steps` instead of `process`."""

    queue = "short"  # the steps have queues of their own

    def steps(self, plan: Plan) -> PipelineOutput | None:
        """Declare the steps, and return the result: it counts when all of them are completed.

        It runs many times, and must name the same steps for the same parameters, inputs and
        results.
        """
        raise NotImplementedError

    def process(self, context: Context) -> Output:
        raise NotImplementedError("a pipeline has steps")


def pipeline_of(kind: str) -> type[Pipeline] | None:
    """Return the pipeline of that kind; None when it is another sort of job, or unknown."""
    try:
        processor = get_processor(kind)
    except KeyError:
        return None
    return processor if issubclass(processor, Pipeline) else None


def open_plan(request: ProcessingRequest, pipeline: type[Pipeline]) -> Plan:
    """Return a plan that knows the steps which have begun, and has not been read yet."""
    rows = request.steps.select_related("result").defer("inputs", "parameters")
    return Plan(request, pipeline, requests={row.step_key: row for row in rows})


def make_plan(
    request: ProcessingRequest, pipeline: type[Pipeline]
) -> tuple[Plan, PipelineOutput | None]:
    """Return the steps of a request as they stand, and its result if the plan came to its end."""
    plan = open_plan(request, pipeline)
    try:
        output = pipeline().steps(plan)
    except NotCompletedError:
        return plan, None
    return plan, output or PipelineOutput()
