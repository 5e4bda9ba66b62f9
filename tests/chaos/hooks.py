"""What the fault tests plant into the product's processes, by environment variables."""

import os
import signal
import time
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

from django.core.files.storage import FileSystemStorage


class FlakyStorage(FileSystemStorage):
    """Does what the file named by CHAOS_STORAGE says: nothing special, or one of these.

    "refuse" everything, be "slow", "hang" with results, or "stall" when an upload has been stored.
    """

    def _save(self, name: str, content: Any) -> str:
        switch = Path(os.environ["CHAOS_STORAGE"])
        mode = switch.read_text() if switch.exists() else ""
        if mode == "refuse":
            raise ConnectionRefusedError(111, "refused")
        if mode == "slow":
            time.sleep(1.5)
        if mode == "hang" and not name.startswith("uploads/"):
            time.sleep(600)
        saved = super()._save(name, content)  # type: ignore[misc]
        if mode == "stall" and name.startswith("uploads/"):
            time.sleep(600)
        return saved


def plant() -> None:
    """Called when Django is ready."""
    if skew := os.environ.get("CHAOS_CLOCK_SKEW"):
        _skew_clocks(float(skew))
    if kind := os.environ.get("CHAOS_OLD_CODE"):
        _forget(kind)
    if where := os.environ.get("CHAOS_FREEZE"):
        _freeze_once(where)
    if os.environ.get("CHAOS_PLANT") == "unconditional-claim":
        _claim_without_condition()


def _skew_clocks(seconds: float) -> None:
    from celery import Celery
    from celery.worker import request as worker_request
    from django.utils import timezone
    from django_celery_beat.schedulers import ModelEntry

    true_time, true_now = time.time, timezone.now
    time.time = lambda: true_time() + seconds
    timezone.now = lambda: true_now() + timedelta(seconds=seconds)

    class Skewed(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Any:
            return datetime.now(tz) + timedelta(seconds=seconds)

    # Celery's: of when something is due, by beat, and of when a message expires.
    for owner, name in ((Celery, "now"), (ModelEntry, "_default_now")):
        true = getattr(owner, name)
        setattr(owner, name, lambda self, true=true: true(self) + timedelta(seconds=seconds))
    vars(worker_request)["datetime"] = Skewed


def _forget(kind: str) -> None:
    """Be the release before the one that brought this kind."""
    from backend_django.processing import registry

    del registry._processors[kind]


def _claim_without_condition() -> None:
    """The bug that the whole design is against: take a request whatever its state is."""
    from django.db.models import F
    from django.utils import timezone

    from backend_django.processing import lifecycle
    from backend_django.processing.models import ProcessingRequest, ProcessingResult

    def claim(**_: Any) -> ProcessingRequest:
        request = ProcessingRequest.objects.latest("created_at")
        ProcessingResult.objects.filter(request=request).delete()
        ProcessingRequest.objects.filter(id=request.id).update(
            status="processing",
            attempt=F("attempt") + 1,
            lease_expires_at=timezone.now() + timedelta(seconds=60),
            finished_at=None,
        )
        return ProcessingRequest.objects.get(id=request.id)

    lifecycle.claim = claim  # type: ignore[assignment]


def _freeze_once(where: str) -> None:
    """Stop this process, as a machine that is suspended does, at its first request's `where`."""
    from backend_django.processing import lifecycle, reaper, runner, tasks
    from tests.wordcount.processor import WordCount

    owner, name = {
        "claim": (runner, "_run_claimed"),
        "work": (WordCount, "process"),
        "save": (runner, "save_output"),
        "finish": (lifecycle, "complete"),
        "begins": (reaper, "reap_expired"),
        "holds the rows": (reaper, "close_attempts"),
        "has let go": (tasks, "delete_scratch"),
        "rings": (tasks, "ring_for_all"),
    }[where]
    goes_on = getattr(owner, name)
    frozen: list[bool] = []

    def freeze(*args: Any, **kwargs: Any) -> Any:
        if not frozen:
            frozen.append(True)
            Path(os.environ["CHAOS_JOURNAL"] + f"-frozen-{os.getpid()}").touch()
            os.kill(os.getpid(), signal.SIGSTOP)
        return goes_on(*args, **kwargs)

    setattr(owner, name, freeze)
