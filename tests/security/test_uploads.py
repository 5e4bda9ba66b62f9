"""Names of files that try to be something else. What is in them is each feature's to judge: its
hostile files are in its own tests (docs/security.md, S12).
"""

from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from backend_django.processing.models import ProcessingRequest
from backend_django.uploads.models import Upload
from backend_django.users.models import User

BOUNDARY = "x" * 20


def form(filename: str) -> bytes:
    """What a browser that lies sends: Django's test client would clean the name."""
    head = (
        f"--{BOUNDARY}\r\n"
        f'Content-Disposition: form-data; name="file"; filename="{filename}"\r\n'
        "Content-Type: text/html\r\n\r\n"
    )
    return head.encode() + b"one two\r\n" + f"--{BOUNDARY}--\r\n".encode()


def everything() -> set[Path]:
    return {p for p in Path(settings.MEDIA_ROOT).parent.rglob("*") if p.is_file()}


@pytest.mark.parametrize(
    "name",
    [
        "../../../escaped.txt", "/etc/cron.d/escaped", "..\\..\\escaped.txt", "a/../../escaped",
        "%2e%2e%2fescaped", "escaped\r\nX-Injected: 1", "escaped;filename=b", "escaped\0.txt",
        "a" * 5000 + ".txt", "<script>alert(1)</script>.html", ".", "..", "\u202etxt.exe",
    ],
    ids=ascii,
)  # fmt: skip
def test_name_of_an_upload_is_a_label_and_no_path(client: Client, user: User, name: str) -> None:
    client.force_login(user)
    before = everything()
    kind = f"multipart/form-data; boundary={BOUNDARY}"
    answer = client.post("/api/v1/wordcount/create/", form(name), kind)
    assert answer.status_code in {201, 400}
    made = everything() - before
    if answer.status_code == 400:
        assert made == set()
        return
    request = ProcessingRequest.objects.get()
    (stored,) = made
    held = Upload.objects.get(held_by=request.id)
    assert stored == Path(settings.MEDIA_ROOT) / "uploads" / str(held.id) / "upload"
    assert "X-Injected" not in answer.headers
    assert not {"/", "\\", "\0", "\n"} & set(request.input_name)
    assert len(request.input_name) <= 255
