"""What the fault tests plant into the product's processes, by environment variables."""

import os
import signal
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.core.files.storage import FileSystemStorage


class FlakyStorage(FileSystemStorage):
    """Does what the file named by CHAOS_STORAGE says: nothing special, or one of these.

    "refuse" everything, "hang" with results, or "stall" when an upload has been stored.
    """

    def _save(self, name: str, content: Any) -> str:
        switch = Path(os.environ["CHAOS_STORAGE"])
        mode = switch.read_text() if switch.exists() else ""
        if mode == "refuse":
            raise ConnectionRefusedError(111, "refused")
        if mode == "hang" and not name.startswith("uploads/"):
            time.sleep(600)
        saved = super()._save(name, content)
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
    from django.utils import timezone

    true_time, true_now = time.time, timezone.now
    time.time = lambda: true_time() + seconds
    timezone.now = lambda: true_now() + timedelta(seconds=seconds)


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
    from backend_django.processing import lifecycle, runner
    from tests.wordcount.processor import WordCount

    owner, name = {
        "claim": (runner, "_run_claimed"),
        "work": (WordCount, "process"),
        "save": (runner, "save_output"),
        "finish": (lifecycle, "complete"),
    }[where]
    goes_on, frozen = getattr(owner, name), []

    def freeze(*args: Any, **kwargs: Any) -> Any:
        if not frozen:
            frozen.append(True)
            Path(os.environ["CHAOS_JOURNAL"] + f"-frozen-{os.getpid()}").touch()
            os.kill(os.getpid(), signal.SIGSTOP)
        return goes_on(*args, **kwargs)

    setattr(owner, name, freeze)
