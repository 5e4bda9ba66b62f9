"""The base class of processors: parameters, `validate`, `process`, and the shape of the result."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from django.conf import settings
from rest_framework.serializers import Serializer

from backend_django.files.refs import InputFile, OutputFile
from backend_django.users.models import User

from .child import run_in_child
from .errors import Cancelled, ProcessingError
from .inputs import Input
from .models import ProcessingRequest, ProcessingResult
from .policies import Retry, Unique, gigabytes
from .priority import Priority
from .typed import parameter, serializer_of, to_plain, to_typed

if TYPE_CHECKING:
    from backend_django.utils.http_client import HttpSession

__all__ = [
    "Cancelled", "Context", "Input", "InputFile", "Output", "OutputFile", "Priority",
    "ProcessingError", "Processor", "Retry", "Unique", "parameter",
]  # fmt: skip


@dataclass(frozen=True)
class Output:
    """The result: data (no NaN, no NUL) and files by key (`download-<key>/<id>/`).

    The data are a `Result`, or plain JSON of a kind that has a `result_serializer`.
    """

    data: Any
    files: Mapping[str, OutputFile] = field(default_factory=dict)


@dataclass
class Context:
    """One attempt at one request, as the feature's code sees it.

    `parameters` are `Processor.Parameters`. Of a kind with a `parameters_serializer` they are a
    dictionary as JSON has it: a date, a moment and a decimal are their texts.
    """

    request_id: UUID
    attempt: int
    name: str
    parameters: Any
    inputs: Mapping[str, Sequence[InputFile]]
    workdir: Path
    on_step: Callable[[str], None]
    on_progress: Callable[[float], None]
    check: Callable[[], None]
    on_call: Callable[[dict[str, Any]], None]
    memory: int = gigabytes(1)  # Processor.memory

    @property
    def owner(self) -> User:
        """The account for which this works: `policies.visible(rows, owner)` is what it may see."""
        return ProcessingRequest.objects.select_related("owner").get(id=self.request_id).owner

    @property
    def input(self) -> InputFile:
        """The file of a job that has one input, called `file`."""
        return self.file("file")

    def file(self, key: str) -> InputFile:
        """Return the file of an input; KeyError if it was left out."""
        files = self.files(key)
        if not files:
            raise KeyError(key)
        return files[0]

    def files(self, key: str) -> Sequence[InputFile]:
        """Return all files of an input: none if it was left out."""
        return self.inputs.get(key, ())

    def step(self, name: str) -> None:
        """Say what is being done now, in one word; shown beside the phase."""
        self.check()
        self.on_step(name)

    def progress(self, fraction: float) -> None:
        """Report how much of the present phase is done, 0 to 1. Cheap: call it often.

        Raises:
            Cancelled: stop, clean up nothing, let it pass; the engine knows. What a job raises or
                returns after it was told to stop doesn't count.
            ProcessingError: the time limit is over.
        """
        self.check()
        self.on_progress(min(1.0, max(0.0, fraction)))

    def http(self, *, budget_seconds: float = 120, max_bytes: int | None = None) -> "HttpSession":
        """Return a `requests.Session` for calling a service of somebody else.

        It tries again with growing pauses, heeds Retry-After, and writes each try into the
        history. It raises errors of `utils/errors.py` that a job may let pass:
        `ServiceUnavailable` when the budget is over, `AddressRefused`, and `ResponseTooLarge` when
        a response has more than `max_bytes`, unpacked (None: HTTP_CLIENT_MAX_RESPONSE_BYTES).
        """
        # requests is slow to import, and few jobs need it
        from backend_django.utils.http_client import HttpSession

        return HttpSession(budget_seconds=budget_seconds, record=self.on_call, max_bytes=max_bytes)

    def run_child(
        self,
        target: str,
        arguments: dict[str, Any],
        *,
        memory_bytes: int | None = None,
        timeout: float | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Any:
        """Run `package.module:function` in a process of its own and return what it returns.

        For native calls that hold the interpreter, eat memory or may crash: heartbeat and cancel go
        on, the worker survives. The function is called as `function(arguments, report)`, where
        `report(step, fraction)` feeds `step()` and `progress()`. Its module must do without Django.

        The process is forked from one that has imported the module, and has called its `preload()`
        if there is one; that is kept for the next job with the same `env`. It ends as soon as the
        function has returned: without `atexit`, and without writing what is still in buffers. Its
        temporary files are in `workdir`.

        Args:
            memory_bytes: address space the process may use; what the kind declares when None.
            timeout: seconds; what the attempt has left when None.
            env: environment variables beside the worker's own, there before the module is imported.

        Raises:
            ProcessingError: as raised in the child, or `out_of_memory`, `time_limit`, `crashed`.
        """

        def report(step: str | None, fraction: float) -> None:
            if step:
                self.on_step(step)
            self.on_progress(min(1.0, max(0.0, fraction)))

        return run_in_child(
            target,
            arguments,
            report=report,
            check=self.check,
            memory_bytes=memory_bytes or self.memory,
            timeout=timeout or math.inf,  # `check` knows when the attempt's is over
            env=env or {},
            scratch=self.workdir,
        )


class Processor:
    """One kind of job: a subclass in a feature's `processor.py` and `@register` are all."""

    name: ClassVar[str]  # URL segment and kind: "invoices"
    title: ClassVar[str]  # for people: "Invoice"
    inputs: ClassVar[Mapping[str, Input]] = {"file": Input()}  # {}: a job without files
    Parameters: ClassVar[type | None] = None  # a dataclass; `Context.parameters` is one of it
    Result: ClassVar[type | None] = None  # a dataclass; `process` returns one, or an Output of one
    parameters_serializer: ClassVar[type[Serializer]] = Serializer  # instead of Parameters
    result_serializer: ClassVar[type[Serializer]] = Serializer  # instead of Result
    queue: ClassVar[str] = "processing"  # "short" for work of seconds: it has workers of its own
    priority: ClassVar[Priority] = Priority.NORMAL  # among those that wait in the same queue
    timeout: ClassVar[timedelta | None] = (
        None  # of one attempt; None: PROCESSING_TIME_LIMIT_SECONDS
    )
    memory: ClassVar[int] = gigabytes(1)  # address space of each of its child processes, in bytes
    retry: ClassVar[Retry | None] = None  # when a failure is tried again by itself
    unique: ClassVar[Unique | None] = None  # when two requests of a person are one
    schedule: ClassVar[str | None] = None  # "0 2 * * *": cron, by TIME_ZONE; editable in the admin
    max_upload_bytes: ClassVar[int | None] = None  # None: PROCESSING_MAX_UPLOAD_BYTES
    downloads: ClassVar[tuple[str, ...]] = ()  # keys of Output.files that may be downloaded
    sample: ClassVar[Path | None] = None  # offered to whoever has no request yet
    sample_name: ClassVar[str] = "Sample"

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if own := vars(cls).get("Parameters"):
            cls.parameters_serializer = serializer_of(own)
        if own := vars(cls).get("Result"):
            cls.result_serializer = serializer_of(own)

    def validate(self, context: Context) -> None:
        """Refuse what cannot be done, before anything expensive; raise ProcessingError."""

    def process(self, context: Context) -> Any:
        """Do the work; return an `Output`, or a `Result` if there are no files."""
        raise NotImplementedError

    def on_completed(self, request: ProcessingRequest, result: ProcessingResult) -> None:
        """Write what else has to be written, in the transaction that completes a request.

        What leaves the product belongs into `transaction.on_commit`. The request completes even if
        this raises: what it wrote is undone, and the error is logged.
        """

    def on_failed(self, request: ProcessingRequest) -> None:
        """Do the same when a request has failed: `error_code` and `error_message` say why."""

    @classmethod
    def schedule_owners(cls) -> Iterable[User]:
        """Return for whom a due schedule makes a request each; the first superuser by default."""
        return User.objects.filter(is_superuser=True, is_active=True).order_by("id")[:1]

    def present(self, result: ProcessingResult) -> dict[str, Any]:
        """Return what `result_serializer` turns into the answer of `results/<id>/`."""
        return result.data

    @classmethod
    def check_parameters(cls, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Return the parameters of a request that no person sends, with what is left out.

        Raises:
            ValueError: they are none of this kind.
        """
        serializer = cls.parameters_serializer(data=dict(parameters))
        if not serializer.is_valid():
            raise ValueError(f"parameters of {cls.name}: {serializer.errors}")
        return cls.plain_parameters(serializer.validated_data)

    @classmethod
    def plain_parameters(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return checked parameters as they are stored, defaults among them."""
        return to_plain(cls.Parameters(**values) if cls.Parameters else dict(values))

    @classmethod
    def typed_parameters(cls, stored: dict[str, Any]) -> Any:
        """Return stored parameters as the author of the kind has declared them.

        Raises:
            ValueError: they are of a release that had others.
        """
        return to_typed(cls.Parameters, stored) if cls.Parameters else stored

    @classmethod
    def time_limit(cls) -> float:
        """Return the seconds that one attempt may take."""
        return (
            cls.timeout.total_seconds() if cls.timeout else settings.PROCESSING_TIME_LIMIT_SECONDS
        )

    @classmethod
    def disk_needed(cls, input_size: int) -> int:
        """Scratch space, in bytes, without which it is no use to begin."""
        return 3 * input_size

    @classmethod
    def upload_limit(cls) -> int:
        """Largest upload, in bytes."""
        return cls.max_upload_bytes or settings.PROCESSING_MAX_UPLOAD_BYTES

    @classmethod
    def body_limit(cls) -> int:
        """Largest sum of the files that one call may bring, in bytes."""
        return cls.upload_limit() * sum(
            declared.most if declared.many else 1 for declared in cls.inputs.values()
        )
