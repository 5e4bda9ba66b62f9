"""One attempt at one request, from claim to finish, inside a worker."""

import logging
import pdb
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import copy_context
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, connection

from backend_django.files.refs import FileRef
from backend_django.files.storage import DISK_FULL_ERRORS, free_bytes, remote
from backend_django.uploads.quota import WorkUsedUp, work_check
from backend_django.utils import logs
from backend_django.utils.database_wait import database_is_away, statement_limit
from backend_django.utils.errors import FileGone, ServiceError, StorageFull, StorageUnavailable
from backend_django.utils.messages import Message
from backend_django.utils.trace_id import trace_id

from . import lifecycle
from .advance import begin
from .attempt import Attempt, Phase, WorkerStopping, is_stopping, notify_observers
from .attempt_log import error_text, log_tail, traceback_text
from .descendants import end_descendants
from .enqueue import ring_for_all, ring_for_next
from .fetching import fetch_input
from .inputs import input_refs
from .models import ProcessingRequest
from .outputs import JobFaultError, check_output, check_presentation
from .pipeline import Pipeline
from .process_state import process_restored
from .processor import Cancelled, Context, Output, ProcessingError, Processor
from .registry import get_processor
from .request_files import delete_attempt, delete_request_files, save_output
from .scratch import delete_scratch, work_directory
from .shift import Shift

logger = logging.getLogger(__name__)
# A job's own query may take as long as PostgreSQL lets it (statement_timeout).
JOB_STATEMENT_SECONDS = 35.0
breakpoint_at_failure = False  # open a debugger where a job has failed: `run_request --debug`


def run_next(*, queue: str, worker: str = "", celery_task_id: str = "") -> list[str]:
    """Work on the requests that are next in a queue: one long one, or short ones for a second.

    Returns:
        Their ids.
    """
    done: list[str] = []
    with Shift(queue=queue, worker=worker, celery_task_id=celery_task_id) as shift:
        while request := shift.take():
            if not done:
                ring_for_next(queue)  # so that a worker that is free takes it at once
            done.append(str(request.id))
            _run(request, shift)
        if shift.is_over:
            ring_for_next(queue)  # there may be more
    if lifecycle.has_limits() and done:
        ring_for_all()  # what has ended may have kept requests of any queue waiting
    return done


def run_this(request_id: UUID) -> bool:
    """Work on one request here and now, if it waits; say whether it did."""
    request = lifecycle.claim(request_id, worker="run_request", anyway=True)
    if request:
        with Shift(queue=None) as shift:
            _run(request, shift)
    return request is not None


def _run(request: ProcessingRequest, shift: Shift) -> None:
    context = {
        logs.request_id: str(request.id),
        logs.task_id: shift.celery_task_id,
        trace_id: request.trace_id,
    }
    tokens = {variable: variable.set(value) for variable, value in context.items()}
    try:
        _run_claimed(request, shift)
    finally:
        for variable, token in tokens.items():
            variable.reset(token)


def _run_claimed(request: ProcessingRequest, shift: Shift) -> None:
    """Work on a request and write down how it ended, whatever its feature does."""
    owned, cpu_before = False, _cpu_seconds()
    with log_tail(str(request.id)) as lines:
        try:
            owned = _attempt(request, shift, lines)
        finally:
            seconds = _cpu_seconds() - cpu_before
            logger.info("attempt %d took %.2f s of processor time", request.attempt, seconds)
            shift.spent[request.owner_id] += seconds
            _remove_losers(request, winner=request.attempt if owned else None)


def _attempt(request: ProcessingRequest, shift: Shift, lines: Sequence[str]) -> bool:
    """Return whether the attempt has completed the request."""
    logger.info("attempt %d of %s begins", request.attempt, request.kind)
    attempt = Attempt(request, _time_limit(request))
    with notify_observers(attempt):
        try:
            attempt.outcome = _complete(request, attempt, shift)
        except BaseException as error:  # what sys.exit() raises too
            attempt.outcome = _end(request, attempt, error, lines)
        finally:  # their frames hold what the job had in memory
            attempt.interruption = attempt.raised = None
    if attempt.outcome != "failed":
        logger.info("attempt %d %s", request.attempt, attempt.outcome)
    return attempt.outcome == "completed"


def _complete(request: ProcessingRequest, attempt: Attempt, shift: Shift) -> str:
    if issubclass(get_processor(request.kind), Pipeline):
        begin(request)
        return "begun"
    with attempt, _descendants_ended():
        output, files = _work(request, attempt)
    complete = partial(
        lifecycle.complete, request.id, request.attempt, data=output.data, files=files
    )
    owned = _retry_db_write(lambda: shift.complete(complete))
    return "completed" if owned else "superseded"


def _end(
    request: ProcessingRequest, attempt: Attempt, error: BaseException, lines: Sequence[str]
) -> str:
    """Write down how an attempt ended that has not completed; return it in a word or two."""
    if isinstance(error, OperationalError | InterfaceError) and (
        error is not attempt.raised or database_is_away()
    ):
        # The lease runs out and the reaper gives the request a new attempt. One of a pipeline that
        # was handed over goes on with it.
        logger.exception("attempt %d lost the database", request.attempt)
        return "lost"
    # A job may have caught it with everything else, and raised something of its own.
    error = attempt.interruption or error
    if isinstance(error, WorkerStopping) and is_stopping():
        given_back = _retry_db_write(lambda: lifecycle.release(request.id, request.attempt))
        return "given back" if given_back else "superseded"
    if isinstance(error, Cancelled) and attempt.is_lost:
        stopped = _retry_db_write(lambda: lifecycle.confirm_cancel(request.id, request.attempt))
        return "cancelled" if stopped else "superseded"
    _fail(request, attempt, error, lines)
    return "failed"


def fail_crashed(celery_task_id: str, how: str) -> None:
    """Fail what was worked on for a message whose process has ended by itself.

    Args:
        how: its exit code or signal, in words.
    """
    running = ProcessingRequest.objects.filter(
        status=ProcessingRequest.Status.PROCESSING, celery_task_id=celery_task_id
    )
    for request in running:
        error = ProcessingError(
            "crashed", "The job's process ended without an answer (%(how)s).", how=how
        )
        attempt = Attempt(request)
        attempt.phase, attempt.step = request.phase or Phase.PROCESS, request.step
        attempt.percent = request.progress
        _fail(request, attempt, error, ())
        delete_scratch(request.id, request.attempt)
        _remove_losers(request, winner=None)


def _time_limit(request: ProcessingRequest) -> float:
    """Return the seconds that the attempt may take: by its kind, and until its deadline."""
    limit = get_processor(request.kind).time_limit()
    if request.deadline_at and request.lease_expires_at:
        # By the clock of the database, which has just written the lease.
        now = request.lease_expires_at - timedelta(seconds=settings.PROCESSING_LEASE_SECONDS)
        limit = min(limit, (request.deadline_at - now).total_seconds())
    return max(limit, 0.001)


def _cpu_seconds() -> float:
    """Return the processor time of this process and of its children that have ended."""
    used = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def _fail(
    request: ProcessingRequest, attempt: Attempt, error: BaseException, lines: Sequence[str]
) -> None:
    policy, reached = get_processor(request.kind).retry, attempt.reached()
    try:
        code, message = explain(error, request.id)
        text, trace = error_text(error), traceback_text(error)
        pause = policy.pause(error, code, request.retries) if policy else None
    except BaseException:  # an exception is code of the feature, too
        name = type.__repr__(type(error))
        unspeakable = JobFaultError(f"the job raised {name}, which cannot tell what it is")
        _fail(request, attempt, unspeakable, lines)
        return
    attempt.error_code = code
    told = isinstance(error, ProcessingError | ServiceError)
    expected = told and code not in {"crashed", "internal_error"}
    logger.log(
        logging.INFO if expected else logging.ERROR,
        "attempt %d of %s failed: %s%s",
        request.attempt,
        request.kind,
        code,
        "" if expected else f" ({text})",
        exc_info=None if expected else error,
    )

    def write() -> bool:
        lifecycle.keep_details(request.id, request.attempt, traceback=trace, log="\n".join(lines))
        ids = request.id, request.attempt
        if pause is not None:
            return lifecycle.retry_later(*ids, pause=pause, code=code, message=message)
        return lifecycle.fail(*ids, code=code, message=message, **reached)

    _retry_db_write(write)
    if breakpoint_at_failure:
        pdb.post_mortem(error.__traceback__)


def _work(request: ProcessingRequest, attempt: Attempt) -> tuple[Output, dict[str, FileRef]]:
    try:
        work_check(owner_id=request.owner_id)
    except WorkUsedUp as error:
        raise ProcessingError(error.code, error.message) from None
    processor = get_processor(request.kind)()
    copied = request.input_size if remote() else 0
    if free_bytes() < processor.disk_needed(request.input_size) + copied:
        raise StorageFull
    with work_directory(request.id, request.attempt) as directory:
        attempt.enter_phase(Phase.VALIDATE)
        workdir = directory / "work"
        workdir.mkdir()
        inputs = {
            key: [
                fetch_input(
                    file,
                    directory / "input" / key / str(number),
                    max_bytes=processor.upload_limit(),
                    check=attempt.check,
                    record=attempt.on_call,
                )
                for number, file in enumerate(named)
            ]
            for key, named in input_refs(request).items()
        }
        context = Context(
            request_id=request.id,
            attempt=request.attempt,
            name=request.name,
            parameters=_parameters(processor, request),
            inputs=inputs,
            workdir=workdir,
            on_step=attempt.on_step,
            on_progress=attempt.on_progress,
            check=attempt.check,
            on_call=attempt.on_call,
            memory=processor.memory,
        )

        def process() -> Output:
            processor.validate(context)
            attempt.enter_phase(Phase.PROCESS)
            output = processor.process(context)
            end_descendants()  # which could change what has been checked
            return check_output(output, workdir)

        try:
            with _feature_at_work(attempt):
                # In a copy of the context variables: language, time zone, decimal precision.
                output = copy_context().run(process)
        except FileNotFoundError as error:
            if all(file.path.exists() for named in inputs.values() for file in named):
                raise
            raise FileGone from error
        with _feature_at_work(attempt):
            attempt.enter_phase(Phase.SAVE)
            files = save_output(request.id, request.attempt, dict(output.files))
            check_presentation(processor, request, output.data, files)
        attempt.enter_phase(Phase.CLEANUP)
    return output, files


def _parameters(processor: Processor, request: ProcessingRequest) -> Any:
    try:
        return processor.typed_parameters(request.parameters)
    except ValueError as error:
        logger.warning("parameters of %s do not fit: %s", request.kind, error)
        raise ProcessingError(
            "parameters_outdated",
            "It was submitted to an earlier release, which had other parameters. Submit it again.",
        ) from error


@contextmanager
def _feature_at_work(attempt: Attempt) -> Iterator[None]:
    with (
        process_restored(),
        attempt.interruptible(),
        statement_limit(JOB_STATEMENT_SECONDS),
    ):
        yield


@contextmanager
def _descendants_ended() -> Iterator[None]:
    try:
        yield
    finally:
        end_descendants()


def explain(error: BaseException, request_id: UUID) -> tuple[str, str]:
    """Return code and sentence for what a job raised; its own text may tell secrets."""
    if isinstance(error, ProcessingError):
        if error.is_for_users:
            return str.__str__(error.code), _readable(error.message)
    elif isinstance(error, MemoryError):
        return "out_of_memory", Message(
            "This needs more memory than a job may use. Try a smaller input."
        )
    elif isinstance(error, FileGone):
        return "input_missing", Message("An input file is no longer there. Upload it again.")
    elif isinstance(error, StorageFull | StorageUnavailable | ServiceError):
        return error.code, error.message
    elif isinstance(error, OSError) and error.errno in DISK_FULL_ERRORS:
        return StorageFull.code, StorageFull.message
    fault = lifecycle.internal_error(request_id)
    return fault["code"], fault["message"]


def _readable(message: str) -> str:
    """Return a message without the code that a subclass of `str` may bring."""
    return message if type(message) is Message else str.__str__(message)


def _retry_db_write(write: Callable[[], bool]) -> bool:
    """Write the end of an attempt, also over a short absence of the database."""
    deadline = time.monotonic() + settings.PROCESSING_LEASE_SECONDS / 2
    pause = 0.1
    while True:
        try:
            return write()
        except (OperationalError, InterfaceError):
            connection.close()
            if time.monotonic() > deadline:
                raise
            time.sleep(pause)
            pause = min(pause * 2, 2.0)


def _remove_losers(request: ProcessingRequest, winner: int | None) -> None:
    """Remove the files of this attempt, or, when it won, those of the attempts before it.

    Of a request that was deleted meanwhile everything goes, also a folder that the attempt made.

    An attempt whose end could not be written (the database is away) keeps its files: they may be
    the result. The next winner removes them.
    """
    try:
        if winner is None:
            now = ProcessingRequest.objects.filter(id=request.id).first()
            if now is None:
                delete_request_files(request.id)
            elif (now.status, now.attempt) != (now.Status.COMPLETED, request.attempt):
                delete_attempt(request.id, request.attempt)
        else:
            for earlier in range(1, winner):
                delete_attempt(request.id, earlier)
    except (DatabaseError, InterfaceError, OSError):
        logger.exception("files of attempt %d are left behind", request.attempt)
