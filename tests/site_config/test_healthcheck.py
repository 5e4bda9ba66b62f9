"""The health check of a container asks by what the entrypoint and the start scripts wrote."""

import os
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from scripts.processes import free_port
from tests.stack import ROOT

SCRIPT = ROOT / "docker" / "production" / "django" / "healthcheck"


def healthy(folder: Path, role: str, **variables: str) -> bool:
    (folder / "role").write_text(role)
    environment = os.environ | {"TMPDIR": str(folder)} | variables
    done = subprocess.run([sys.executable, SCRIPT], env=environment, stderr=subprocess.PIPE)
    return done.returncode == 0


@pytest.mark.parametrize("role", ["start-celeryworker", "start-celerybeat"])
def test_worker_and_beat_give_signs_of_life(tmp_path: Path, role: str) -> None:
    assert not healthy(tmp_path, role)
    (tmp_path / "alive").touch()
    assert healthy(tmp_path, role)
    os.utime(tmp_path / "alive", (0, time.time() - 200))
    assert not healthy(tmp_path, role)


class Fine(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path in {"/health/ready", "/mine"} else 404)
        self.end_headers()


def test_who_serves_is_asked_when_it_has_begun_and_not_before(tmp_path: Path) -> None:
    port = free_port()
    assert not healthy(tmp_path, "start", PORT=str(port))
    assert not healthy(tmp_path, "start-other")  # it still waits for the migrations
    (tmp_path / "health").write_text(f"{port}/mine\n")
    assert not healthy(tmp_path, "start-other")
    server = HTTPServer(("127.0.0.1", port), Fine)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        assert healthy(tmp_path, "start", PORT=str(port))
        assert healthy(tmp_path, "start-other")
    finally:
        server.shutdown()
        server.server_close()


def test_a_command_of_its_own_is_left_alone(tmp_path: Path) -> None:
    assert healthy(tmp_path, "python")
