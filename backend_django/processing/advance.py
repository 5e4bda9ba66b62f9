"""Drive pipelines: begin the steps that are due, and end a pipeline whose steps have ended.

Nothing here holds a lock, and all of it may run twice or at once: a step is one row for each key,
and every change of a state is conditional. It runs when a step has ended, and in each round of the
reaper for what a crash has kept from running.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

from celery import current_task
from django.db import IntegrityError, InterfaceError, OperationalError
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now

from backend_django.files.refs import FileRef
from backend_django.utils.database_time import database_now
from backend_django.utils.database_wait import database_is_away
from backend_django.utils.errors import Conflict
from backend_django.utils.messages import Message
from backend_django.utils.text import clean_text
from backend_django.utils.translation import read_message

from . import lifecycle, services
from .enqueue import advance_on_commit
from .errors import ProcessingError
from .events import on_requests_ended
from .inputs import InputRef
from .models import ProcessingRequest
from .outputs import check_data, check_key, check_presentation
from .pipeline import Pipeline, PipelineOutput, Plan, Step, StepFile, make_plan
from .processor import Processor
from .registry import all_processors, get_processor

logger = logging.getLogger(__name__)
Status = ProcessingRequest.Status
OPEN = (Status.PENDING, Status.PROCESSING)
ROUND_LIMIT = 500  # pipelines that one round of the reaper looks at
RECENT = timedelta(minutes=10)  # longer than a lost message can stay unnoticed


@on_requests_ended
def advance_parents(ended: Sequence[ProcessingRequest]) -> None:
    """Have the pipelines of steps that have ended go on."""
    for parent in {request.parent_id for request in ended if request.parent_id}:
        advance_on_commit(parent)


def begin(request: ProcessingRequest) -> None:
    """Begin a pipeline that a worker has claimed, or go on with one that is tried again."""
    for step in request.steps.filter(status__in=[Status.FAILED, Status.CANCELLED]):
        services.step_retry(step=step)
    if lifecycle.hand_over(request.id, request.attempt):
        advance(request.id)


def advance(request_id: UUID) -> None:
    """Do what is due of a pipeline.

    Raises:
        OperationalError, InterfaceError: the database refused something; the reaper does it again.
    """
    request = ProcessingRequest.objects.filter(
        id=request_id, status=Status.PROCESSING, lease_expires_at=lifecycle.NEVER
    ).first()
    if request is None:
        return
    try:
        pipeline = get_processor(request.kind)
    except KeyError:  # a newer worker knows it
        return
    with _worked_on(request):
        _advance(request, pipeline)


@contextmanager
def _worked_on(request: ProcessingRequest) -> Iterator[None]:
    """Have a pipeline fail if its plan ends this process: it would do so in each round.

    One that was claimed a moment ago is known by its message already.
    """
    message = current_task and current_task.request.id
    if message and message != request.celery_task_id:
        lifecycle.attach(request.id, request.attempt, message)
    try:
        yield
    finally:
        if message or request.celery_task_id:
            lifecycle.attach(request.id, request.attempt)


def _advance(request: ProcessingRequest, pipeline: type[Processor]) -> None:
    steps = list(request.steps.order_by("finished_at", "id"))
    unfinished = [step for step in steps if not step.is_final]
    lost = [step for step in steps if step.status in (Status.FAILED, Status.CANCELLED)]
    if request.cancel_requested:
        _cancel(request, unfinished)
    elif request.deadline_at and request.deadline_at < database_now():
        lifecycle.fail(
            request.id,
            request.attempt,
            code="deadline_passed",
            message=Message("Its steps were not completed when its deadline passed."),
        )
        _cancel(request, unfinished)
    elif lost:
        # Those that have begun go on: what they bring is there when somebody tries again.
        if not unfinished:
            _fail(request, lost[0])
    elif issubclass(pipeline, Pipeline):
        _go_on(request, pipeline)


def _cancel(request: ProcessingRequest, unfinished: list[ProcessingRequest]) -> None:
    for step in unfinished:
        try:
            services.request_cancel(request=step)
        except Conflict:  # it ended meanwhile
            continue
    if not request.steps.filter(status__in=OPEN).exists():
        lifecycle.confirm_cancel(request.id, request.attempt)


def _fail(request: ProcessingRequest, lost: ProcessingRequest) -> None:
    reason = (
        read_message(lost.error_message, lost.error_made_of)
        if lost.error_message
        else Message("It was cancelled.")
    )
    message = Message("“%(name)s” failed: %(reason)s", name=lost.name, reason=reason)
    lifecycle.fail(request.id, request.attempt, code="step_failed", message=message)


def _go_on(request: ProcessingRequest, pipeline: type[Pipeline]) -> None:
    plan: Plan | None = None
    try:
        plan, output = make_plan(request, pipeline)
        due = [step for step in plan.steps.values() if step.request is None and step.is_ready]
        for step in due:
            _begin_step(request, step)
        done = sum(step.is_completed for step in plan.steps.values())
        if output is not None and done == len(plan.steps):
            data, files = check_data(output.data), _files_of(output)
            check_presentation(pipeline(), request, data, files)
            lifecycle.complete(request.id, request.attempt, data=data, files=files)
            return
        if not due and done == len(plan.steps):
            raise RuntimeError("the plan waits for a step that it does not name")
    except Exception as error:
        if isinstance(error, OperationalError | InterfaceError) and (plan or database_is_away()):
            raise  # not of its author, who may have asked another database
        if isinstance(error, ProcessingError) and error.is_for_users:
            _give_up(request, code=error.code, message=error.message)
            return
        logger.exception("the plan of %s failed: %s", request.kind, clean_text(repr(error), 300))
        _give_up(request, **lifecycle.internal_error(request.id))
        return
    lifecycle.report(request.id, request.attempt, progress=_percent(plan, done))


def _give_up(request: ProcessingRequest, *, code: str, message: str) -> None:
    lifecycle.fail(request.id, request.attempt, code=code, message=message)
    _cancel(request, list(request.steps.filter(status__in=OPEN)))


def _percent(plan: Plan, done: int) -> int:
    return 99 * done // max(1, len(plan.steps))


def _files_of(output: PipelineOutput) -> dict[str, FileRef]:
    files: dict[str, FileRef] = {}
    for key, file in output.files.items():
        check_key(key)
        ref = file.ref()
        ref.pop("source", None)
        files[key] = ref
    return files


def _begin_step(request: ProcessingRequest, step: Step) -> None:
    files: dict[str, list[InputRef]] = {
        name: [file.ref() if isinstance(file, StepFile) else file for file in several]
        for name, several in step.inputs.items()
    }
    try:
        services.step_create(
            parent=request,
            key=step.key,
            processor=step.processor,
            files=files,
            parameters=step.processor.check_parameters(step.parameters),
            name=step.name,
        )
    except IntegrityError:  # it was begun at the same time, or the pipeline is gone
        logger.info("step %s of %s is there already", step.key, request.id)


def advance_stalled() -> None:
    """Go on with pipelines that may not have heard of a step's end, or of their cancelling."""
    kinds = [kind.name for kind in all_processors() if issubclass(kind, Pipeline)]
    steps = ProcessingRequest.objects.filter(parent=OuterRef("id"))
    stalled = ProcessingRequest.objects.filter(
        Q(cancel_requested=True)
        | Q(deadline_at__lt=Now())
        | ~Exists(steps.filter(status__in=OPEN))
        | Exists(steps.filter(finished_at__gt=Now() - RECENT)),
        kind__in=kinds,
        status=Status.PROCESSING,
        lease_expires_at=lifecycle.NEVER,
    )
    for request_id in stalled.values_list("id", flat=True)[:ROUND_LIMIT]:
        try:
            advance(request_id)
        except (OperationalError, InterfaceError):
            if database_is_away():
                raise
            logger.exception("pipeline %s could not go on", request_id)
