from uuid import uuid4

from django.conf import settings
from django.db import models


class Job(models.Model):
    """The columns that a status poll of the product tells."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    name = models.CharField(max_length=200)
    parent = models.UUIDField(null=True)
    batch = models.UUIDField(null=True)
    is_pipeline = models.BooleanField(default=False)
    status = models.CharField(max_length=20)
    phase = models.CharField(max_length=20, blank=True)
    step = models.CharField(max_length=40, blank=True)
    progress = models.PositiveSmallIntegerField(default=0)
    attempt = models.PositiveSmallIntegerField(default=0)
    max_attempts = models.PositiveSmallIntegerField(default=3)
    error_code = models.CharField(max_length=50, blank=True)
    error_message = models.TextField(blank=True)
    cancel_requested = models.BooleanField(default=False)
    queue_position = models.PositiveIntegerField(null=True)
    run_at = models.DateTimeField(null=True)
    input_name = models.CharField(max_length=255)
    input_size = models.BigIntegerField()
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    # What its work needs.
    upload = models.FileField(upload_to="uploads/")
    words = models.PositiveIntegerField(null=True)

    objects: models.Manager["Job"] = models.Manager()  # mypy knows it only of our own apps

    class Meta:
        app_label = "drf"

    def __str__(self) -> str:
        return self.name
