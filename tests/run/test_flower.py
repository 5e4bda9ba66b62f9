"""Flower's password may have any character, and a wrong one any, too."""

import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from scripts.processes import dies_with_parent, free_port
from tests.stack import ROOT, wait_for

PASSWORD = "pässwörd, with a comma"


@pytest.mark.slow
def test_password_that_is_not_ascii_lets_in_and_others_do_not(tmp_path: Path) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = os.environ | {
        "FLOWER_PORT": str(port),
        "FLOWER_ADDRESS": "127.0.0.1",
        "CELERY_FLOWER_PASSWORD": PASSWORD,
    }
    app = ["celery", "--quiet", "-A", "backend_django.config.celery_app"]
    with (tmp_path / "flower.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *app, "flower", "--conf=docker/flower/flowerconfig.py"],
            cwd=ROOT,
            env=environment,
            stdout=log,
            stderr=log,
            preexec_fn=dies_with_parent(),
        )

    def ask(password: str) -> int:
        auth = httpx.BasicAuth("flower", password)
        return httpx.get(f"{url}/workers", auth=auth, timeout=20).status_code

    def is_up() -> bool:
        try:
            return httpx.get(f"{url}/healthcheck").is_success
        except httpx.TransportError:
            return False

    try:
        wait_for(is_up, what=(tmp_path / "flower.log").read_text())
        assert [ask(given) for given in (PASSWORD, "wrong", "é", "")] == [200, 401, 401, 401]
    finally:
        process.kill()
        process.wait()
