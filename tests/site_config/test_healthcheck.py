"""The health check of a container asks by what the entrypoint and the start scripts wrote."""

import os
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from scripts.processes import dies_with_parent, free_port
from tests.stack import ROOT, migrated_database, wait_for

SCRIPT = ROOT / "docker" / "production" / "django" / "healthcheck"


def healthy(folder: Path, role: str, **variables: str) -> bool:
    (folder / "role").write_text(role)
    environment = os.environ | {"TMPDIR": str(folder)} | variables
    done = subprocess.run([sys.executable, SCRIPT], env=environment, stderr=subprocess.PIPE)
    return done.returncode == 0


@pytest.mark.parametrize("role", ["start-celeryworker", "start-celerybeat"])
@pytest.mark.parametrize("file", ["pulse", "alive"])
def test_worker_and_beat_give_signs_of_life(tmp_path: Path, role: str, file: str) -> None:
    assert not healthy(tmp_path, role)
    (tmp_path / file).touch()
    assert healthy(tmp_path, role)
    os.utime(tmp_path / file, (0, time.time() - 200))
    assert not healthy(tmp_path, role)


@pytest.mark.slow
@pytest.mark.parametrize(("role", "name"), [("worker", "celeryworker"), ("beat", "celerybeat")])
def test_worker_and_beat_are_healthy_without_a_broker(tmp_path: Path, role: str, name: str) -> None:
    """Ending them would not bring it back."""
    pulse = tmp_path / "pulse"
    environment = os.environ | {
        "PULSE_FILE": str(pulse),
        "DATABASE_URL": migrated_database(f"health_{role}_{os.getpid()}"),
        "REDIS_URL": f"redis://127.0.0.1:{free_port()}/0",
        "CELERY_BROKER_URL": f"redis://127.0.0.1:{free_port()}/0",
    }
    command = [sys.executable, "-m", "celery", "-A", "backend_django.config.celery_app", role]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL,
        start_new_session=True, preexec_fn=dies_with_parent(),
    ) as process:  # fmt: skip
        try:
            wait_for(pulse.exists, what="it has begun")
            before = pulse.stat().st_mtime
            wait_for(lambda: pulse.stat().st_mtime > before, what="it goes on")
            assert healthy(tmp_path, f"start-{name}")
        finally:
            process.kill()


fine = {"/health/ready", "/health/live", "/mine"}


class Fine(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path in fine else 404)
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
        fine.discard("/health/ready")
        assert not healthy(tmp_path, "start", PORT=str(port)), "it has never been ready"
        fine.add("/health/ready")
        assert healthy(tmp_path, "start", PORT=str(port))
        assert healthy(tmp_path, "start-other")
        fine.discard("/health/ready")
        assert healthy(tmp_path, "start", PORT=str(port)), "its database is away, and it is not"
        fine.discard("/health/live")
        assert not healthy(tmp_path, "start", PORT=str(port))
    finally:
        fine.update(["/health/ready", "/health/live"])
        server.shutdown()
        server.server_close()


def test_a_command_of_its_own_is_left_alone(tmp_path: Path) -> None:
    assert healthy(tmp_path, "python")
