"""Whatever a job does, its request ends at once: one attempt, one honest reason, one log line."""

import gc
import io
import json
import logging
import os
import subprocess
import sys
import time
import weakref
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from backend_django.processing import child, descendants
from backend_django.processing.attempt import WorkerStopping
from backend_django.processing.child_main import Reporter
from backend_django.processing.models import ProcessingRequest
from backend_django.processing.policies import seconds
from backend_django.processing.processor import (
    Cancelled,
    Context,
    Output,
    OutputFile,
    ProcessingError,
)
from tests.processing.conftest import GOOD, Job, written
from tests.wordcount.processor import WordCount

from .conftest import Run

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


def raising(error: BaseException) -> Job:
    def job(context: Context) -> None:
        raise error

    return job


def leave_a_transaction_open(context: Context) -> Output:
    transaction.set_autocommit(False)
    return Output(GOOD)


def enter_an_atomic_block(context: Context) -> Output:
    transaction.atomic().__enter__()
    return Output(GOOD)


class Mute(Exception):  # noqa: N818
    def __str__(self) -> str:
        raise ValueError("what it says cannot be said")

    __repr__ = __str__


class Unfinished(ProcessingError):  # noqa: N818
    def __init__(self) -> None:
        pass


class Untold(ProcessingError):  # noqa: N818
    message = property(lambda self: 1 / 0, lambda self, value: None)


class Unnoted(Exception):  # noqa: N818
    __notes__ = property(lambda self: 1 / 0)


class Text(str):
    __slots__ = ()

    def encode(self, *_: object) -> bytes:
        raise ValueError

    __str__ = __format__ = encode  # type: ignore[assignment]


def nested(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels):
        value = [value]
    return value


def run_a_missing_program(context: Context) -> None:
    subprocess.run(["a-program-that-is-not-installed"])


@pytest.mark.parametrize(
    "job",
    [
        lambda context: sys.exit(2),
        raising(KeyboardInterrupt()),
        raising(GeneratorExit()),
        raising(OperationalError("a database of the feature's own")),
        raising(Cancelled()),
        raising(WorkerStopping()),
        raising(ProcessingError("nul\x00code", "m")),
        raising(ProcessingError("lone \ud800", "m")),
        raising(ProcessingError("Has Capitals", "m")),
        raising(ProcessingError("x" * 51, "m")),
        raising(ProcessingError(None, "m")),  # type: ignore[arg-type]
        raising(ProcessingError("no_message", "")),
        raising(ProcessingError("number_as_message", 5)),  # type: ignore[arg-type]
        raising(ProcessingError("nothing_to_read", "\x00 ")),
        raising(Unfinished()),
        raising(Mute()),
        raising(Untold("no_message", "m")),
        raising(Unnoted()),
        raising(ProcessingError(Text("code"), "m")),
        raising(BaseExceptionGroup("several", [KeyboardInterrupt(), SystemExit()])),
        lambda context: (yield),
        raising(FileNotFoundError(2, "No such file", "config.json")),
        run_a_missing_program,
        lambda context: context.progress("half"),
        lambda context: None,
        lambda context: {"words": 1},
        lambda context: Output(None),
        lambda context: Output({"words": 1}),  # which its serializer cannot present
        lambda context: Output({**GOOD, "x": float("nan")}),
        lambda context: Output({**GOOD, "x": "a\x00b"}),
        lambda context: Output({**GOOD, "x": "\ud800"}),
        lambda context: Output({**GOOD, "x": b"bytes"}),
        lambda context: Output({**GOOD, "x": nested(800)}),  # which a deeper stack cannot read
        lambda context: Output(GOOD, None),  # type: ignore[arg-type]
    ],
)
def test_fault_of_the_code_is_an_internal_error(run: Run, job: Job) -> None:
    request = run(job)
    assert (request.status, request.error_code) == ("failed", "internal_error")
    assert "Something went wrong on our side." in request.error_message
    assert str(request.id) in request.error_message


@pytest.mark.parametrize("job", [leave_a_transaction_open, enter_an_atomic_block])
def test_transaction_that_a_job_leaves_open_takes_nothing_with_it(run: Run, job: Job) -> None:
    assert run(job).status == "completed"
    assert not connection.in_atomic_block
    assert connection.get_autocommit()


def test_line_that_cannot_be_logged_fails_no_job(run: Run) -> None:
    def job(context: Context) -> Output:
        logging.getLogger("job").warning("%d", "no number")
        return Output(GOOD)

    before, logging.raiseExceptions = logging.raiseExceptions, False  # of pytest's own handlers
    try:
        assert run(job).status == "completed"
    finally:
        logging.raiseExceptions = before


def test_copy_of_the_process_that_a_job_makes_does_not_work_on(run: Run) -> None:
    def job(context: Context) -> Output:
        if not (copy := os.fork()):
            raise ValueError
        assert os.waitstatus_to_exitcode(os.waitpid(copy, 0)[1]) == 1
        return Output(GOOD)

    assert run(job).status == "completed"


@pytest.mark.parametrize("step", ["a\x00b", "a\ud800b", 5, None, "x" * 500])
def test_heartbeat_survives_any_step(run: Run, step: Any) -> None:
    def job(context: Context) -> Output:
        context.step(step)
        row = ProcessingRequest.objects.filter(id=context.request_id)
        deadline = time.monotonic() + 10
        while row.get().step == "" and time.monotonic() < deadline:
            time.sleep(0.01)
        seen.append(row.get().step)
        return Output(GOOD)

    seen: list[str] = []
    assert run(job).status == "completed"
    assert 0 < len(seen[0]) <= 40


def test_reason_of_a_job_is_shown_without_what_no_database_takes(run: Run) -> None:
    request = run(raising(ProcessingError("not_text", "No\x00 text \ud800.")))
    assert (request.error_code, request.error_message) == ("not_text", "No text ?.")


def test_what_a_failed_job_had_in_memory_is_free_at_once(run: Run) -> None:
    class Large:
        pass

    def job(context: Context) -> None:
        large = Large()
        seen.append(weakref.ref(large))
        raise ProcessingError("no_words", "There is nothing to count.")

    seen: list[weakref.ref[Large]] = []
    gc.disable()
    try:
        assert run(job).status == "failed"
        assert seen[0]() is None
    finally:
        gc.enable()


def test_result_that_is_too_large_is_not_stored(run: Run, settings: Any) -> None:
    settings.PROCESSING_MAX_RESULT_BYTES = 1000
    request = run(lambda context: Output({**GOOD, "x": "y" * 1000}))
    assert request.error_code == "result_too_large"


texts = st.text(st.characters(), max_size=60)
anything = st.one_of(texts, st.none(), st.integers(), st.floats(), st.binary(max_size=9))
seams = {
    "error": st.tuples(anything, anything),
    "step": st.tuples(anything),
    "progress": st.tuples(anything),
    "output": st.tuples(anything, anything, anything),
    "data": st.tuples(st.dictionaries(texts, st.recursive(anything, st.lists, max_leaves=5))),
}


@pytest.mark.slow
@examples(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.sampled_from(sorted(seams)).flatmap(lambda s: st.tuples(st.just(s), seams[s])))
def test_engine_survives_any_value_at_every_seam(
    run: Run, given: tuple[str, tuple[Any, ...]]
) -> None:
    seam, values = given

    def job(context: Context) -> Output:
        if seam == "error":
            raise ProcessingError(*values)
        if seam == "step":
            context.step(*values)
        if seam == "progress":
            context.progress(*values)
        if seam == "output":
            key, filename, content_type = values
            return Output(GOOD, {key: OutputFile(written(context), filename, content_type)})
        return Output(GOOD | (values[0] if seam == "data" else {}))

    run(job)


def test_process_that_a_job_leaves_behind_is_ended(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(descendants, "_adopting", False)
    script = (
        "import os, subprocess, sys; from backend_django.processing import descendants as d;"
        "d.adopt_descendants();"
        "subprocess.run(['sh', '-c', 'trap \"\" TERM; setsid sleep 300 & echo $!; sleep 300 &']);"
        "d.end_descendants()"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not Path(f"/proc/{int(done.stdout)}").exists()


def test_answer_of_a_child_may_be_large_but_not_without_end(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def job(context: Context) -> Output:
        answer = context.run_child(
            "tests.wordcount.child:run", {"command": "large"}, memory_bytes=2**30
        )
        return Output({"words": len(answer), "attempt": 1})

    assert run(job).result.data["words"] == 5_000_000
    monkeypatch.setattr(child, "MAX_ANSWER_BYTES", 4_000_000)
    assert run(job).error_code == "result_too_large"


def test_child_may_take_as_long_as_its_kind_declares(
    run: Run, monkeypatch: pytest.MonkeyPatch, settings: Any, interrupts: None
) -> None:
    def job(context: Context) -> Output:
        context.run_child("tests.wordcount.child:run", {"command": "sleep", "tenths": "5"})
        return Output(GOOD)

    settings.PROCESSING_TIME_LIMIT_SECONDS = 0.1
    monkeypatch.setattr(WordCount, "timeout", seconds(30))
    assert run(job).status == "completed"
    monkeypatch.setattr(WordCount, "timeout", seconds(0.3))
    assert run(job).error_code == "time_limit"


def test_memory_of_a_child_is_what_its_kind_declares(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def job(context: Context) -> Output:
        return Output(
            {
                "words": context.run_child("tests.wordcount.child:run", {"command": "limit"}),
                "attempt": 1,
            }
        )

    assert run(job).result.data["words"] == 600 * 1024**2
    monkeypatch.setattr(WordCount, "memory", 700 * 1024**2)
    assert run(job).result.data["words"] == 700 * 1024**2


def test_what_a_child_prints_is_in_the_log_of_its_attempt(run: Run) -> None:
    def job(context: Context) -> None:
        context.run_child("tests.wordcount.child:run", {"command": "print"})

    request = run(job)
    assert request.error_code == "internal_error"
    log = request.attempts.get().log
    for said in ("to its output", "to its errors: password=[secret]", "x" * 1000, "no line end"):
        assert said in log
    assert "hunter22" not in log
    assert len(log) < 10_000


def test_traceback_of_a_child_is_no_longer_than_a_log_can_use(run: Run) -> None:
    raised: list[str] = []

    def job(context: Context) -> None:
        try:
            context.run_child(
                "tests.wordcount.child:run", {"command": "raise at length"}, memory_bytes=2**30
            )
        except child.ChildError as error:
            raised.append(str(error))
            raise

    assert run(job).error_code == "internal_error"
    assert "in run" in raised[0]
    assert len(raised[0]) < 21_000


def test_end_of_a_childs_work_is_told_however_soon_it_comes() -> None:
    stream = io.BytesIO()
    report = Reporter(stream)
    for fraction in (0.1, 0.2, 0.3, 1.0, 1.0):
        report("count", fraction)
    told = [json.loads(line)["progress"] for line in stream.getvalue().splitlines()]
    assert told == [0.1, 1.0]
