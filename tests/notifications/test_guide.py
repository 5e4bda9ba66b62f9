"""The receiver of docs/notifications.md works as it stands there."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator

import httpx
import pytest

from backend_django.utils.signatures import new_secret, signed_headers
from scripts.processes import free_port
from tests.stack import ROOT, wait_for

SECRET = new_secret()
BODY = b'{"type":"request.completed"}'


@pytest.fixture
def guide() -> Iterator[str]:
    text = (ROOT / "docs" / "notifications.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    port = free_port()
    environment = os.environ | {"WEBHOOK_SECRET": SECRET, "PORT": str(port)}
    program = subprocess.Popen([sys.executable, "-c", code], env=environment)
    url = f"http://127.0.0.1:{port}/"

    def answers() -> bool:
        try:
            return bool(httpx.get(url))
        except httpx.TransportError:
            return False
        except Exception:
            return True

    try:
        wait_for(lambda: program.poll() is None and (answers() or None))
        yield url
    finally:
        program.kill()
        program.wait()


def headers(*secrets: str, timestamp: int | None = None) -> dict[str, str]:
    now = int(time.time()) if timestamp is None else timestamp
    return signed_headers(secrets, message_id="m", timestamp=now, body=BODY)


def test_receiver_of_the_guide_takes_ours_and_refuses_others(guide: str) -> None:
    def post(body: bytes = BODY, /, **signed: str) -> int:
        return httpx.post(guide, content=body, headers=signed).status_code

    assert post(**headers(SECRET)) == 204
    assert post(**headers(new_secret(), SECRET)) == 204, "while a secret is replaced"
    assert post(**headers(new_secret())) == 401
    assert post(BODY + b" ", **headers(SECRET)) == 401
    assert post(**headers(SECRET, timestamp=int(time.time()) - 600)) == 401, "an old one, resent"
