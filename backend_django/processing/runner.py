"""One attempt at one request, from claim to finish, inside a worker."""

import json
import logging
import time
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, connection

from backend_django.utils.logs import job_id, task_id
from backend_django.utils.request_id import request_id as trace_id

from . import lifecycle
from .attempt import Attempt, Phase, WorkerStopping
from .files import (
    DISK_FULL_ERRORS,
    delete_attempt,
    fetch_input,
    free_bytes,
    remote,
    save_output,
    work_directory,
)
from .models import ProcessingRequest
from .processor import Cancelled, Context, InputFile, Output, ProcessingError
from .publishing import request_publish
from .registry import get_processor, known_kinds

logger = logging.getLogger(__name__)
DISK_FULL = "The server has not enough disk space for this. Try again later."


def run_request(request_id: UUID, *, worker: str = "", celery_task_id: str = "") -> None:
    """Claim the request, work on it and write down how it ended. Returns quietly when not ours."""
    request = lifecycle.claim(
        request_id, kinds=known_kinds(), worker=worker, celery_task_id=celery_task_id
    )
    if request is None:
        return
    context = {job_id: str(request.id), trace_id: request.trace_id, task_id: celery_task_id}
    tokens = {variable: variable.set(value) for variable, value in context.items()}
    try:
        _run_claimed(request)
        for waiting in lifecycle.next_waiting(request.owner_id):
            request_publish(request_id=waiting)
    finally:
        for variable, token in tokens.items():
            variable.reset(token)


def _run_claimed(request: ProcessingRequest) -> None:
    owned = False
    files: dict[str, dict[str, str | int]] = {}
    logger.info("attempt %d of %s begins", request.attempt, request.kind)
    attempt = Attempt(request)
    try:
        with attempt:
            output, files = _work(request, attempt)
        owned = _insist(
            lambda: lifecycle.complete(request.id, request.attempt, data=output.data, files=files)
        )
        logger.info("attempt %d %s", request.attempt, "completed" if owned else "was superseded")
    except WorkerStopping:
        given_back = _insist(
            lambda: (
                lifecycle.confirm_cancel(request.id, request.attempt)
                or (
                    lifecycle.release(request.id, request.attempt)
                    and request_publish(request_id=request.id)
                )
            )
        )
        logger.info("attempt %d given back: %s", request.attempt, given_back)
    except Cancelled:
        stopped = _insist(lambda: lifecycle.confirm_cancel(request.id, request.attempt))
        logger.info("attempt %d stopped (%s)", request.attempt, "cancelled" if stopped else "lost")
    except (OperationalError, InterfaceError):
        # The database is away. The lease runs out and the reaper gives the request a new attempt.
        logger.exception("attempt %d lost the database", request.attempt)
    except Exception as error:
        code, message = explain(error)
        expected = isinstance(error, ProcessingError)
        logger.log(
            logging.INFO if expected else logging.ERROR,
            "attempt %d failed: %s",
            request.attempt,
            code,
            exc_info=None if expected and code != "crashed" else error,
        )
        reached = attempt.reached()
        _insist(
            lambda: lifecycle.fail(
                request.id, request.attempt, code=code, message=message, **reached
            )
        )
    finally:
        _remove_losers(request, winner=request.attempt if owned else None)


def _work(
    request: ProcessingRequest, attempt: Attempt
) -> tuple[Output, dict[str, dict[str, str | int]]]:
    processor = get_processor(request.kind)()
    copied = request.input_size if remote() else 0
    if free_bytes() < processor.disk_needed(request.input_size) + copied:
        raise ProcessingError("disk_full", DISK_FULL)
    with work_directory(request.id, request.attempt) as directory:
        attempt.enter_phase(Phase.VALIDATE)
        workdir = directory / "work"
        workdir.mkdir()
        context = Context(
            request_id=request.id,
            attempt=request.attempt,
            name=request.name,
            parameters=request.parameters,
            input=InputFile(
                path=fetch_input(request.input_file, directory / "input", attempt.check),
                name=request.input_name,
                size=request.input_size,
            ),
            workdir=workdir,
            on_step=attempt.on_step,
            on_progress=attempt.on_progress,
            check=attempt.check,
            on_call=attempt.on_call,
        )
        with attempt.interruptible():
            processor.validate(context)
            attempt.enter_phase(Phase.PROCESS)
            output = processor.process(context)
            json.dumps(output.data, allow_nan=False)  # the database refuses NaN less clearly
            attempt.enter_phase(Phase.SAVE)
            files = save_output(request.id, request.attempt, dict(output.files))
        attempt.enter_phase(Phase.CLEANUP)
    return output, files


def explain(error: BaseException) -> tuple[str, str]:
    """Return code and sentence for what a job raised; its own text may tell secrets."""
    if isinstance(error, ProcessingError):
        return error.code, error.message
    if isinstance(error, MemoryError):
        return "out_of_memory", "This needs more memory than a job may use. Try a smaller input."
    if isinstance(error, OSError) and error.errno in DISK_FULL_ERRORS:
        return "disk_full", DISK_FULL
    if isinstance(error, FileNotFoundError):
        return "input_missing", "The uploaded file is no longer there. Upload it again."
    return (
        "internal_error",
        "Something went wrong on our side. Try again; if it stays, report it with the number of "
        "this request.",
    )


def _insist(write) -> bool:  # type: ignore[no-untyped-def]
    """Write the end of an attempt, also over a short absence of the database."""
    deadline = time.monotonic() + settings.PROCESSING_LEASE_SECONDS / 2
    pause = 0.1
    while True:
        try:
            return bool(write())
        except (OperationalError, InterfaceError):
            connection.close()
            if time.monotonic() > deadline:
                raise
            time.sleep(pause)
            pause = min(pause * 2, 2.0)


def _remove_losers(request: ProcessingRequest, winner: int | None) -> None:
    """Remove the files of this attempt, or, when it won, those of the attempts before it.

    An attempt whose end could not be written (the database is away) keeps its files: they may be
    the result. The next winner removes them.
    """
    try:
        if winner is None:
            if ProcessingRequest.objects.filter(
                id=request.id, status=ProcessingRequest.Status.COMPLETED, attempt=request.attempt
            ).exists():
                return
            delete_attempt(request.id, request.attempt)
        else:
            for earlier in range(1, winner):
                delete_attempt(request.id, earlier)
    except (DatabaseError, InterfaceError, OSError):
        logger.exception("files of attempt %d are left behind", request.attempt)
