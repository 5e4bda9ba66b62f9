"""The request and its result. The row is the truth; Celery only carries its id."""

from pathlib import Path
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from backend_django.files.storage import local_path
from backend_django.utils.messages import Message
from backend_django.utils.translation import translate_stored

from .priority import Priority
from .search import NAME_WORDS

# As they stand in sentences.
STATUS_WORDS = [
    Message("pending"),
    Message("processing"),
    Message("completed"),
    Message("failed"),
    Message("cancelled"),
]


def default_max_attempts() -> int:
    return settings.PROCESSING_MAX_ATTEMPTS


class ProcessingRequest(models.Model):
    """A request: what a user asked for. Only `lifecycle.py` and `services.py` write its state."""

    class Status(models.TextChoices):
        PENDING = "pending"
        PROCESSING = "processing"
        COMPLETED = "completed"
        FAILED = "failed"
        CANCELLED = "cancelled"

    class Phase(models.TextChoices):
        VALIDATE = "validate"
        PROCESS = "process"
        SAVE = "save"
        CLEANUP = "cleanup"

    FINAL = (Status.COMPLETED, Status.FAILED, Status.CANCELLED)
    queue_position: int | None = None  # not a column: filled in where somebody wants to know

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    kind = models.CharField(max_length=50)
    name = models.CharField(max_length=200)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="processing_requests",
        db_index=False,  # request_list begins with it
    )  # fmt: skip
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+",
        db_index=False,  # request_created_by is one, of those alone that have it
        help_text="Who asked for it on behalf of the owner.",
    )  # fmt: skip
    parameters = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    inputs = models.JSONField(
        default=dict, db_default={}, help_text="key -> [{name, filename, size, source}]"
    )
    parent = models.ForeignKey(
        "self", null=True, on_delete=models.CASCADE, related_name="steps",
        db_index=False,  # request_step_once is one, of steps alone
        help_text="The pipeline that this is a step of.",
    )  # fmt: skip
    step_key = models.CharField(max_length=100, blank=True, db_default="")
    batch = models.UUIDField(
        null=True, editable=False, help_text="What requests have in common that one call made."
    )
    uses = models.ManyToManyField(
        "self", symmetrical=False, related_name="used_by", help_text="Whose results are inputs."
    )
    # Of the first file, and of all; the workers of the release before this one look for input_file.
    input_file = models.CharField(max_length=200, blank=True, db_default="")
    input_name = models.CharField(
        max_length=255, blank=True, db_default="", help_text="What the user called the first file."
    )
    input_size = models.BigIntegerField(
        default=0, db_default=0, help_text="Bytes of all input files."
    )

    status = models.CharField(max_length=20, choices=Status, default=Status.PENDING)
    phase = models.CharField(max_length=20, choices=Phase, blank=True)
    step = models.CharField(max_length=40, blank=True, help_text="The feature's word for now.")
    progress = models.PositiveSmallIntegerField(default=0, help_text="0 to 100.")
    # Counts up for ever, also over a retry: a worker given up never meets its number again.
    attempt = models.PositiveSmallIntegerField(default=0)
    max_attempts = models.PositiveSmallIntegerField(default=default_max_attempts)
    error_code = models.CharField(max_length=50, blank=True)
    error_message = models.TextField(max_length=2000, blank=True)
    error_made_of = models.JSONField(
        null=True, editable=False, help_text="What error_message was composed of (utils/messages)."
    )
    cancel_requested = models.BooleanField(default=False)

    # What is next: the lowest priority number, then the lowest turn (turns.next_turn).
    queue = models.CharField(max_length=50, db_default="processing")
    priority = models.PositiveSmallIntegerField(choices=Priority, db_default=Priority.NORMAL)
    turn = models.BigIntegerField(db_default=0, help_text="Place in the round-robin of owners.")

    run_at = models.DateTimeField(null=True, help_text="It waits at least until then.")
    deadline_at = models.DateTimeField(null=True, help_text="It fails if it is not over then.")
    retries = models.PositiveSmallIntegerField(db_default=0, help_text="By its kind's policy.")

    unique_key = models.CharField(max_length=64, null=True)  # noqa: DJ001 (NULLs differ)
    idempotency_key = models.CharField(max_length=200, null=True)  # noqa: DJ001 (NULLs differ)
    trace_id = models.CharField(max_length=64, blank=True, help_text="Of the HTTP request.")
    celery_task_id = models.CharField(max_length=50, blank=True)
    lease_expires_at = models.DateTimeField(null=True, help_text="The worker is lost after this.")
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        # Each write of a row's state writes into all of these but the partial ones that it is not
        # in: an index must be worth that.
        indexes = [
            models.Index(fields=["owner", "kind", "-created_at", "-id"], name="request_list"),
            # Steps are in no list. With them left out, counts read the index alone.
            models.Index(
                fields=["owner", "-created_at", "-id"],
                condition=Q(parent__isnull=True),
                name="request_list_all_kinds",
            ),
            models.Index(
                fields=["owner", "status", "kind", "-created_at", "-id"],
                condition=Q(parent__isnull=True),
                name="request_by_status",
            ),
            # Only to count: equal entries are kept as one, so it is a seventh of the others' size.
            models.Index(
                fields=["owner", "kind"], condition=Q(parent__isnull=True), name="request_count"
            ),
            # For the admin, which lists the requests of all.
            models.Index(fields=["-created_at", "-id"], name="request_newest"),
            models.Index(
                fields=["-created_at", "-id"],
                condition=Q(status__in=["failed", "cancelled"]),
                name="request_newest_failed",
            ),
            # Of steps too: the planner makes no use of what it knows of a partial index's words.
            GinIndex(NAME_WORDS, name="request_name_words"),
            models.Index(
                fields=["created_by"],
                condition=Q(created_by__isnull=False),
                name="request_created_by",
            ),
            models.Index(fields=["batch"], condition=Q(batch__isnull=False), name="request_batch"),
            models.Index(
                fields=["finished_at"],
                condition=Q(finished_at__isnull=False),
                name="request_finished",
            ),
            models.Index(
                fields=["queue", "priority", "turn", "created_at", "id"],
                condition=Q(status="pending"),
                name="request_due",
            ),
            models.Index(
                fields=["owner", "queue", "priority", "turn"],
                condition=Q(status__in=["pending", "processing"]),
                name="request_turn",
            ),
            models.Index(
                fields=["deadline_at"],
                condition=Q(status__in=["pending", "processing"], deadline_at__isnull=False),
                name="request_deadline",
            ),
            models.Index(
                fields=["lease_expires_at"],
                condition=Q(status="processing"),
                name="request_leased",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    status__in=["pending", "processing", "completed", "failed", "cancelled"]
                ),
                name="request_status_known",
            ),
            models.CheckConstraint(
                condition=Q(progress__range=(0, 100)), name="request_progress_percent"
            ),
            models.CheckConstraint(
                condition=Q(status="processing", lease_expires_at__isnull=False)
                | (~Q(status="processing") & Q(lease_expires_at__isnull=True)),
                name="request_lease_while_processing",
            ),
            models.CheckConstraint(
                condition=Q(
                    status__in=["completed", "failed", "cancelled"], finished_at__isnull=False
                )
                | Q(status__in=["pending", "processing"], finished_at__isnull=True),
                name="request_finished_when_final",
            ),
            models.UniqueConstraint(
                fields=["owner", "kind", "idempotency_key"],
                condition=Q(idempotency_key__isnull=False),
                name="request_once_with_key",
            ),
            models.UniqueConstraint(
                fields=["owner", "kind", "unique_key"],
                condition=Q(status__in=["pending", "processing"]),
                name="request_unique_while_open",
            ),
            models.UniqueConstraint(
                fields=["parent", "step_key"],
                condition=Q(parent__isnull=False),
                name="request_step_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.name} ({self.status})"

    @property
    def error_text(self) -> str:
        """Return `error_message` in the active language."""
        return translate_stored(self.error_message, self.error_made_of)

    @property
    def asker_id(self) -> Any:
        """The id of the person who asked for it."""
        return self.created_by_id or self.owner_id

    @property
    def is_final(self) -> bool:
        return self.status in self.FINAL


class ProcessingAttempt(models.Model):
    """One try at a request: who worked on it, from when to when, and how it ended."""

    class Outcome(models.TextChoices):
        RUNNING = "running"
        COMPLETED = "completed"
        FAILED = "failed"
        CANCELLED = "cancelled"
        LOST = "lost", "worker lost"
        RELEASED = "released", "given back by a worker that stopped"

    request = models.ForeignKey(
        ProcessingRequest, on_delete=models.CASCADE, related_name="attempts",
        db_index=False,  # attempt_numbered_once begins with it
    )  # fmt: skip
    number = models.PositiveSmallIntegerField()
    worker = models.CharField(max_length=100, blank=True)
    outcome = models.CharField(max_length=20, choices=Outcome, default=Outcome.RUNNING)
    error_code = models.CharField(max_length=50, blank=True)
    calls = models.JSONField(default=list, help_text="To outside services: method, host, outcome.")
    # For those who run the product, never for its users.
    traceback = models.TextField(blank=True, db_default="", help_text="Of what the job raised.")
    log = models.TextField(blank=True, db_default="", help_text="The end of what it logged.")
    started_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["request", "number"], name="attempt_numbered_once"),
        ]

    def __str__(self) -> str:
        return f"attempt {self.number} of {self.request_id}: {self.outcome}"


class PausedKind(models.Model):
    """A kind of which no request begins until the row is deleted; those that run go on."""

    kind = models.CharField(max_length=50, primary_key=True)
    paused_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.kind


class Schedule(models.Model):
    """Up to when requests of a kind were made by its schedule (schedules.py)."""

    kind = models.CharField(max_length=50, primary_key=True)
    done_until = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.kind} until {self.done_until}"


class MaintenanceRun(models.Model):
    """The last round of maintenance: a reaper that stands still is worth an alarm."""

    name = models.CharField(max_length=20, primary_key=True)
    ran_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.name} at {self.ran_at}"


class ProcessingResult(models.Model):
    """The result of a request; exists exactly when the request is completed."""

    request = models.OneToOneField(
        ProcessingRequest, on_delete=models.CASCADE, primary_key=True, related_name="result"
    )
    attempt = models.PositiveSmallIntegerField()
    data = models.JSONField()
    files = models.JSONField(
        default=dict, help_text="key -> {name, filename, size, content_type, sha256}"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"result of {self.request_id}"

    def open_path(self, key: str) -> Path:
        """Return a local path of a file of the result; KeyError when it has none of that name."""
        return local_path(self.files[key])
