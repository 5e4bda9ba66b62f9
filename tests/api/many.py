"""Requests in any state, and what their owner asks of many of them."""

from pathlib import Path
from typing import Any

from django.test import Client
from django.utils import timezone

from backend_django.files.refs import OutputFile
from backend_django.processing import lifecycle
from backend_django.processing.models import ProcessingRequest
from backend_django.processing.request_files import save_output
from backend_django.users.models import User

ROOT = "/api/v1/requests"
Status = ProcessingRequest.Status


def make(owner: User, status: str = "pending", **fields: Any) -> ProcessingRequest:
    fields = {"kind": "wordcount", "name": "n", "input_file": "x", "input_name": "x"} | fields
    if status in ProcessingRequest.FINAL:
        fields |= {"finished_at": timezone.now()}
    if status == Status.PROCESSING:
        fields |= {"lease_expires_at": timezone.now(), "attempt": 1}
    return ProcessingRequest.objects.create(owner=owner, status=status, input_size=1, **fields)


def complete(
    owner: User, tmp_path: Path, *files: str, content: bytes = b"words\n" * 100_000, **fields: Any
) -> ProcessingRequest:
    request = make(owner, **fields)
    assert lifecycle.claim(request.id)
    made = {}
    for number, filename in enumerate(files):
        path = tmp_path / f"{number}"
        path.write_bytes(content)
        key = "report" if number == 0 else f"more{number}"
        made[key] = OutputFile(path, filename, "text/plain")
    assert lifecycle.complete(request.id, 1, data={}, files=save_output(request.id, 1, made))
    return request


def ask(client: Client, what: str, code: int = 200, **body: Any) -> dict[str, Any]:
    answer = client.post(f"{ROOT}/{what}/", body, "application/json")
    assert answer.status_code == code, answer.json()
    return answer.json()
