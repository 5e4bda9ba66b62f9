"""Does here what workers do with pipelines, for tests that need no process of theirs.

The fixture `told` (tests/plugin.py) is what would have been sent to them.
"""

from collections import Counter

from django.core.files.base import ContentFile
from django.test import Client

from backend_django.processing.advance import advance
from backend_django.processing.models import ProcessingAttempt, ProcessingRequest
from backend_django.processing.runner import run_next


def work(told: list[str]) -> None:
    """Do what workers do until there is nothing left to do."""
    busy = True
    while busy:
        busy = bool(run_next(queue="short") or run_next(queue="processing"))
        while told:
            busy = True
            advance(told.pop())  # type: ignore[arg-type]


def create_digest(client: Client, *lines: str) -> ProcessingRequest:
    file = ContentFile("\n".join(lines).encode(), name="a.txt")
    answer = client.post("/api/v1/wordcount/digest/create/", {"file": file})
    assert answer.status_code == 201, answer.content
    return ProcessingRequest.objects.get(id=answer.json()["id"])


def attempts(request: ProcessingRequest) -> Counter[str]:
    """Return how often each step was worked on."""
    tried = ProcessingAttempt.objects.filter(request__parent=request)
    return Counter(tried.values_list("request__step_key", flat=True))
