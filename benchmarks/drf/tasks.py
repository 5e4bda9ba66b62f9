"""The bare project's work, by Celery as its page on Django has it: words of an upload."""

import os

from celery import Celery, shared_task
from django.utils import timezone

app = Celery("drf", broker=os.environ["BENCH_DRF_BROKER"])
app.conf.task_ignore_result = True


@shared_task
def count_words(number: str) -> None:
    from .models import Job

    job = Job.objects.get(pk=number)
    with job.upload.open() as file:
        job.words = len(file.read().split())
    job.status, job.progress, job.finished_at = "completed", 100, timezone.now()
    job.save()
