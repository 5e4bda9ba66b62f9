"""Files that people send, and what each person has used today."""

from uuid import uuid4

from django.conf import settings
from django.db import models


class Upload(models.Model):
    """A file that somebody sends. The row is there before the first byte, and as long as the file.

    What uses the file holds it: `held_by` is the id of a request, say. An upload that nothing holds
    is removed when it has expired.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    kind = models.CharField(max_length=50, help_text="What it was sent for.")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="uploads"
    )
    stored_name = models.CharField(max_length=200, db_default="", help_text="In the storage.")
    held_by = models.UUIDField(null=True, help_text="Id of what uses the file.")
    name = models.CharField(max_length=255, help_text="What the user called the file.")
    size = models.BigIntegerField(help_text="Bytes, of the whole file.")
    chunk_size = models.BigIntegerField(
        null=True,
        db_column="part_size",  # of the release before, whose processes read it
        help_text="Bytes; null when it comes in one.",
    )
    received = models.JSONField(default=list, help_text="Numbers of the chunks that are there.")
    remote_id = models.CharField(
        max_length=1100, blank=True, help_text="What the storage calls it."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, db_index=True, help_text="Null while it is held.")

    class Meta:
        db_table = "processing_processingupload"  # of the release before, whose processes read it
        indexes = [
            models.Index(
                fields=["held_by"], condition=models.Q(held_by__isnull=False), name="upload_held"
            )
        ]

    def __str__(self) -> str:
        return f"upload of {self.name}"

    @property
    def file_name(self) -> str:
        """The name of the whole file in the storage, now or later."""
        # The release before this one does not write the column.
        return self.stored_name or f"requests/{self.id}/input/upload"

    @property
    def prefix(self) -> str:
        """A folder in the storage that holds nothing but this file."""
        return self.file_name.removesuffix("/upload").removesuffix("/input")

    @property
    def mode(self) -> str:
        """The receiver of the chunks: "server", or "direct" for the storage."""
        return "direct" if self.remote_id else "server"

    @property
    def chunks(self) -> int:
        """The number of chunks; they are numbered from 1."""
        return -(-self.size // self.chunk_size) if self.chunk_size else 1

    def length_of(self, number: int) -> int:
        """Bytes of one chunk; the last may be shorter than the others."""
        whole = self.chunk_size or self.size
        return min(whole, self.size - (number - 1) * whole)


class DailyUsage(models.Model):
    """A user's uploads of a day, and the processor time of their jobs (quota.py)."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="daily_usage"
    )
    day = models.DateField(help_text="In UTC.")
    bytes = models.BigIntegerField(default=0)
    cpu_seconds = models.FloatField(default=0, db_default=0, help_text="Of jobs that have ended.")

    class Meta:
        db_table = "processing_dailyuploads"  # of the release before, whose processes read it
        constraints = [models.UniqueConstraint(fields=["owner", "day"], name="uploads_once_a_day")]

    def __str__(self) -> str:
        return f"{self.bytes} bytes on {self.day}"
