"""Alarms ring while a fault lasts, and Alertmanager tells that and the end of it.

The rules are those of docker/prometheus/alerts.yml, with seconds in place of minutes; what they
wait for is tested with their own times by promtool. Alarms about an hour's or a disk's past
(WorkersAreLost, RequestsFail, DiskFillsUp) do not end in a test's time: promtool alone.
"""

import json
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from scripts.processes import dies_with_parent, free_port, last_lines
from tests.plugin import debian
from tests.stack import ROOT, Api, Stack, migrated_database, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.matrix, pytest.mark.timeout(240)]
RULES = ROOT / "docker" / "prometheus" / "alerts.yml"
ALERTMANAGER = ROOT / "docker" / "observability" / "alertmanager" / "alertmanager.yml"
# Minutes of the rules become seconds, and what somebody waits for or the reaper may sleep a few.
FASTER = [(r"for: \d+m", "for: 1s"), (r"\[5m\]", "[5s]"), (r"> 600", "> 3"), (r"> 300", "> 6")]


class Told(ThreadingHTTPServer):
    """Who is told of alarms: it has what was said last of each, "firing" or "resolved"."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Message)
        self.state: dict[str, str] = {}
        self.said: set[tuple[str, str]] = set()


class Message(BaseHTTPRequestHandler):
    server: Told

    def do_POST(self) -> None:
        for alert in json.loads(self.rfile.read(int(self.headers["Content-Length"])))["alerts"]:
            name, status = alert["labels"]["alertname"], alert["status"]
            self.server.state[name] = status
            self.server.said.add((name, status))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def told() -> Iterator[Told]:
    with Told() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[..., None]]:
    """Run programs until the test has ended."""
    running: list[subprocess.Popen[bytes]] = []

    def start(name: str, *command: Any) -> None:
        with (tmp_path / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                list(map(str, command)), stdout=log, stderr=log, cwd=tmp_path,
                preexec_fn=dies_with_parent(),
            )  # fmt: skip
        running.append(process)

    yield start
    for process in running:
        process.terminate()
        process.wait(20)


def alertmanager(folder: Path, receiver: str) -> list[Any]:
    """Return how to start it; Debian's reads its templates below /usr/share and nowhere else."""
    config = yaml.safe_load(ALERTMANAGER.read_text())
    config["receivers"][0]["webhook_configs"] = [{"url": receiver, "send_resolved": True}]
    config["route"] |= {"group_wait": "0s", "group_interval": "1s"}
    (folder / "alertmanager.yml").write_text(yaml.safe_dump(config))
    program = debian("prometheus-alertmanager") / "prometheus-alertmanager"
    command = [program, f"--config.file={folder}/alertmanager.yml",
               f"--storage.path={folder}/alertmanager", "--cluster.listen-address="]  # fmt: skip
    if Path("/usr/share/prometheus/alertmanager").exists():
        return command
    inside = ["unshare", "--map-root-user", "--mount", "sh", "-c",
              'mount --bind "$0" /usr/share && exec "$@"',
              program.parents[1] / "share"]  # fmt: skip
    if not shutil.which("unshare") or subprocess.run([*inside, "true"]).returncode:
        pytest.skip("Alertmanager is not installed, and a namespace for its files is not allowed")
    return [*inside, *command]


@pytest.fixture
def watched(
    tmp_path: Path, prometheus_tools: Path, told: Told, run: Callable[..., None]
) -> Iterator[Stack]:
    """A product whose storage can refuse, with Prometheus and Alertmanager beside it."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    stack = Stack(
        tmp_path / "product", migrated_database(f"alarms_{worker}"),
        METRICS_PORT=str(free_port()), PROCESSING_REAPER_SECONDS="1",
        TEST_APPS="tests.wordcount.apps.WordCountConfig,tests.chaos.apps.ChaosConfig",
        TEST_STORAGE="tests.chaos.hooks.FlakyStorage", CHAOS_STORAGE=str(tmp_path / "storage"),
    )  # fmt: skip
    rules = RULES.read_text()
    for slow, quick in FASTER:
        assert re.search(slow, rules), f"the rules have no {slow} any more"
        rules = re.sub(slow, quick, rules)
    (tmp_path / "alerts.yml").write_text(rules)
    port = free_port()
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(tmp_path / "alerts.yml")],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}]},
        "scrape_configs": [
            {"job_name": "web", "static_configs": [
                {"targets": [f"127.0.0.1:{stack.environment['METRICS_PORT']}"]}]}
        ],
    }  # fmt: skip
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(config))
    with stack.running():
        run("alertmanager", *alertmanager(tmp_path, f"http://127.0.0.1:{told.server_port}/"),
            f"--web.listen-address=127.0.0.1:{port}")  # fmt: skip
        run("prometheus", prometheus_tools / "prometheus",
            f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/data",
            f"--web.listen-address=127.0.0.1:{free_port()}",
            "--rules.alert.resend-delay=1s")  # fmt: skip
        wait_for(lambda: _answers(port), what=last_lines(tmp_path / "alertmanager.log"))
        yield stack


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/-/ready").is_success
    except httpx.TransportError:
        return False


def test_faults_ring_and_their_end_is_told(watched: Stack, told: Told, tmp_path: Path) -> None:
    def expect(status: str, *names: str, while_: Callable[[], object] = lambda: None) -> None:
        def seen() -> bool:
            while_()
            return all(told.state.get(name) == status for name in names)

        wait_for(seen, seconds=60, what=f"{names} {status}, not {told.state}")

    with watched.client() as api:
        made = api.create("wordcount", b"two words")
        api.wait("wordcount", made["id"])

        # Files are refused: calls fail.
        storage = tmp_path / "storage"
        storage.write_text("refuse")
        expect("firing", "CallsFail", while_=lambda: upload(api))
        storage.unlink()
        expect("resolved", "CallsFail", while_=lambda: api.get("version/"))

        # The worker dies: what is asked for waits, and nobody looks for what is lost.
        watched.kill("worker")
        waiting = api.create("wordcount", b"three more words")
        expect("firing", "RequestsWait", "ReaperStandsStill")
        watched.start("worker")
        api.wait("wordcount", waiting["id"])
        expect("resolved", "RequestsWait", "ReaperStandsStill")

        # Web dies.
        watched.kill("web")
        expect("firing", "WebIsDown")
        watched.start("web")
        expect("resolved", "WebIsDown")
    assert {name for name, _ in told.said} == {
        "CallsFail", "RequestsWait", "ReaperStandsStill", "WebIsDown",
    }  # fmt: skip


def upload(api: Api) -> None:
    answer = api.post("wordcount/create/", files={"file": ("a.txt", b"words")})
    assert answer.status_code == 503, answer.text
