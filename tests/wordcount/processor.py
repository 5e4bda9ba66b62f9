"""Counts words, and does on demand what a job should not: fail, crash, hang, eat memory."""

import hashlib
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, Literal

from rest_framework import serializers

from backend_django.processing.models import ProcessingRequest, ProcessingResult
from backend_django.processing.pipeline import Pipeline, PipelineOutput, Plan
from backend_django.processing.policies import megabytes, seconds
from backend_django.processing.processor import (
    Context,
    Input,
    Output,
    OutputFile,
    ProcessingError,
    Processor,
    Retry,
    Unique,
    parameter,
)
from backend_django.processing.registry import register
from backend_django.utils.errors import ServiceUnavailable


class Parameters(serializers.Serializer[Any]):
    minimum_length = serializers.IntegerField(min_value=1, max_value=50, default=1)
    day = serializers.DateField(required=False)


class Result(serializers.Serializer[Any]):
    words = serializers.IntegerField()
    attempt = serializers.IntegerField()
    day = serializers.DateField(required=False)


@register
class WordCount(Processor):
    name = "wordcount"
    title = "Word count"
    parameters_serializer = Parameters
    result_serializer = Result
    max_upload_bytes = 100_000
    memory = megabytes(600)
    downloads = ("report",)

    def validate(self, context: Context) -> None:
        if b"\x00" in context.input.path.read_bytes():
            raise ProcessingError("not_text", "This is not a text file. Upload plain text.")

    def process(self, context: Context) -> Output:
        text = context.input.path.read_text()
        command, _, argument = text.partition(" ")
        context.step("count")
        if command == "SLEEP":
            self._sleep(context, float(argument))
        elif command == "DEAF":  # never asks whether to go on
            time.sleep(float(argument))
        elif command == "FETCH":
            text = context.http(budget_seconds=8).get(argument.strip()).text
        elif command == "MEMORY":
            bytearray(1 << 46)
        elif command == "WRITE":  # megabytes, into the scratch space
            (context.workdir / "big").write_bytes(bytes(int(argument) * 1024**2))
        elif command == "RAISE":
            raise RuntimeError(f"secret detail {argument}")
        elif command == "LEAVE":  # a process that does not listen, in a session of its own
            deaf = ["sh", "-c", "trap '' TERM HUP; sleep 300"]
            text = str(subprocess.Popen(deaf, start_new_session=True).pid)
        elif command == "NEED":  # a file, or it fails
            if not Path(argument.strip()).exists():
                raise ProcessingError("not_there", "It is not there yet. Try again.")
        elif command == "EXIT":
            sys.exit(2)
        elif command == "QUIT":  # without a word to anybody
            os._exit(int(argument))
        elif command == "ALARM":
            signal.alarm(1)
            time.sleep(60)
        elif command == "DIE":  # as when the kernel ends a worker that needs too much memory
            os.kill(os.getpid(), signal.SIGKILL)
        elif command == "CHILD":
            context.run_child(
                "tests.wordcount.child:run",
                {"command": argument.strip(), "pidfile": str(context.workdir / "pid")},
                timeout=20,
            )
        words = [w for w in text.split() if len(w) >= context.parameters["minimum_length"]]
        if journal := os.environ.get("CHAOS_JOURNAL"):
            with Path(journal).open("a") as file:
                file.write(f"{context.request_id}\n")
        day = {name: value for name, value in context.parameters.items() if name == "day"}
        report = context.workdir / "report.txt"
        report.write_text("".join(f"{word}\n" for word in words))
        return Output(
            data={"words": len(words), "attempt": context.attempt, **day},
            files={"report": OutputFile(report, "word count.txt", "text/plain")},
        )

    def _sleep(self, context: Context, seconds: float) -> None:
        began = time.monotonic()
        while (elapsed := time.monotonic() - began) < seconds:
            context.progress(elapsed / seconds)
            time.sleep(0.02)


@register
class ShortCount(WordCount):
    """The same as work of seconds, for workers that do nothing else."""

    name = "shortcount"
    title = "Short count"
    queue = "short"


@register
class Copy(Processor):
    """Gives back what it was given, and its digest: for files of any size and content."""

    name = "copy"
    title = "Copy"
    downloads = ("file",)
    result_serializer = type("CopyResult", (serializers.Serializer,), {
        "sha256": serializers.CharField(),
    })  # fmt: skip

    def process(self, context: Context) -> Output:
        copy = context.workdir / "copy"
        shutil.copyfile(context.input.path, copy)
        with copy.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return Output(
            data={"sha256": digest},
            files={"file": OutputFile(copy, f"copy of {context.input.name}", "image/tiff")},
        )


@register
class Report(Processor):
    """Works on nothing that anybody sends; by a schedule, and on demand."""

    name = "report"
    title = "Report"
    inputs = {}
    schedule = "30 2 * * *"
    result_serializer = Result

    def process(self, context: Context) -> Output:
        return Output({"words": 0, "attempt": context.attempt})


class FetchParameters(serializers.Serializer[Any]):
    place = serializers.CharField(default="")
    note = serializers.CharField(required=False)


@register
class Fetch(Processor):
    """Needs a file that may not be there yet, and tries again by itself."""

    name = "fetch"
    title = "Fetch"
    inputs = {}
    parameters_serializer = FetchParameters
    result_serializer = Result
    timeout = seconds(20)
    retry = Retry(times=2, on=("not_there", ServiceUnavailable), backoff=(10, 15))
    unique = Unique(parameters=["place"])

    def process(self, context: Context) -> Output:
        place = context.parameters["place"]
        logging.getLogger("fetch").info("looks for https://user:pa55@host/?token=s3cret")
        if place == "away":
            raise ServiceUnavailable
        if place == "broken":
            raise RuntimeError("of its author")
        if place == "slow":
            while True:
                context.progress(0)
                time.sleep(0.01)
        if place and not Path(place).exists():
            raise ProcessingError("not_there", "It is not there yet.")
        return Output({"words": 0, "attempt": context.attempt})

    def on_completed(self, request: ProcessingRequest, result: ProcessingResult) -> None:
        HEARD.append(("completed", request.status, result.data))

    def on_failed(self, request: ProcessingRequest) -> None:
        HEARD.append(("failed", request.status, request.error_code))


HEARD: list[tuple[str, str, Any]] = []


@register
class Refresh(Fetch):
    """One for all calls of ten seconds."""

    name = "refresh"
    title = "Refresh"
    unique = Unique(debounce=seconds(10))


@register
class Merge(Processor):
    """Puts several texts into one: uploads, or files of earlier results."""

    name = "merge"
    title = "Merge"
    inputs = {
        "texts": Input(
            many=True, most=5, accept=[".txt", "text/*"], result_of=("copy", "merge"), file="file"
        ),
        "heading": Input(required=False, url=True),
    }
    result_serializer = type("MergeResult", (serializers.Serializer,), {
        "text": serializers.CharField(),
        "names": serializers.ListField(child=serializers.CharField()),
    })  # fmt: skip
    downloads = ("file",)

    def process(self, context: Context) -> Output:
        files = [*context.files("heading"), *context.files("texts")]
        text = "".join(file.path.read_text() for file in files)
        if text == "WAIT":
            for _ in range(3000):
                context.progress(0)
                time.sleep(0.01)
        merged = context.workdir / "merged"
        merged.write_text(text)
        return Output(
            {"text": text, "names": [file.name for file in files]},
            {"file": OutputFile(merged, "merged.txt", "text/plain")},
        )


@register
class Lines(Processor):
    """Makes a file of each line of a text: how many is known only when it has run."""

    name = "split"
    title = "Lines"
    result_serializer = type("SplitResult", (serializers.Serializer,), {
        "lines": serializers.IntegerField(),
    })  # fmt: skip

    def process(self, context: Context) -> Output:
        files = {}
        for number, line in enumerate(context.input.path.read_text().splitlines()):
            path = context.workdir / str(number)
            path.write_text(line)
            files[f"line-{number}"] = OutputFile(path, f"line {number}.txt", "text/plain")
        return Output({"lines": len(files)}, files)


@register
class Digest(Pipeline):
    """Splits a text into lines, counts the words of each at once, and puts the counts together."""

    name = "digest"
    title = "Digest"
    result_serializer = type("DigestResult", (serializers.Serializer,), {
        "words": serializers.ListField(child=serializers.IntegerField()),
    })  # fmt: skip
    downloads = ("merged",)

    def steps(self, plan: Plan) -> PipelineOutput:
        lines = plan.step("lines", Lines, inputs={"file": plan.files("file")})
        counts = [
            plan.step(
                f"count-{number}",
                WordCount,
                name=f"Line {number}",
                inputs={"file": lines.file(f"line-{number}")},
            )
            for number in range(lines.result["lines"])
        ]
        merged = plan.step(
            "merge", Merge, inputs={"texts": [count.file("report") for count in counts]}
        )
        if len(counts) > 25:  # a step of large ones only
            plan.step("copy", Copy, inputs={"file": merged.file("file")})
        words = [count.result["words"] for count in counts]
        return PipelineOutput({"words": words}, {"merged": merged.file("file")})


class Unit(Enum):
    METRE = "metre"
    FOOT = "foot"


@dataclass
class SurveyParameters:
    day: date
    height: Decimal = parameter(max_digits=6, decimal_places=2, minimum=0, help_text="Above sea.")
    measure: Unit = Unit.METRE
    care: Literal["fast", "exact"] = "fast"
    tags: list[str] = field(default_factory=list)
    at: datetime | None = None


@dataclass
class SurveyResult:
    """What a survey has found."""

    weekday: str
    next_day: date
    height: Decimal
    measure: Unit
    tags: list[str]
    hour: int | None


@register
class Survey(Processor):
    """Has parameters of all types, and gives them back."""

    name = "survey"
    title = "Survey"
    inputs = {}
    Parameters = SurveyParameters
    Result = SurveyResult

    def process(self, context: Context) -> SurveyResult:
        given: SurveyParameters = context.parameters
        return SurveyResult(
            weekday=f"{given.day:%A}",
            next_day=given.day + timedelta(days=1),
            height=given.height * 2,
            measure=given.measure,
            tags=[*given.tags, given.care],
            hour=given.at.hour if given.at else None,
        )
