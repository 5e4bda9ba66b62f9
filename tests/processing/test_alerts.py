"""Metrics, rules and scrape mean what they say, by Prometheus' own tools."""

import contextlib
import json
import os
import re
import signal
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from scripts.processes import dies_with_parent, free_port
from tests.live.reading import Reader
from tests.server.conftest import Server
from tests.stack import ROOT, Api, Stack, wait_for

pytestmark = pytest.mark.slow
RULES = ROOT / "docker" / "prometheus"
NAME = re.compile(r"\b(?:processing|http)_[a-z_]+\b")


@pytest.fixture(scope="module")
def metrics_port(stack: Stack) -> Iterator[int]:
    """A web process with a port for metrics, of several processes and strict about hosts."""
    port = free_port()
    server = Server(stack, METRICS_PORT=str(port), WEB_CONCURRENCY="2")
    for path in ("/", "/api/v1/version-info/", "/api/v1/nothing/"):
        httpx.get(f"{server.url}{path}")
    yield port
    server.stop()


def scrape(port: int, path: str = "/metrics", host: str = "web") -> httpx.Response:
    return httpx.get(f"http://127.0.0.1:{port}{path}", headers={"Host": f"{host}:{port}"})


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "rules", "alerts.yml"),
        ("check", "config", "prometheus.yml"),
        ("test", "rules", "alerts.test.yml"),
    ],
    ids=lambda arguments: " ".join(arguments[:2]),
)
def test_rules_and_scrape(prometheus_tools: Path, arguments: tuple[str, ...]) -> None:
    command = [str(prometheus_tools / "promtool"), *arguments]
    done = subprocess.run(command, cwd=RULES, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_inside_port_has_metrics_and_nothing_else(metrics_port: int) -> None:
    assert scrape(metrics_port).status_code == 200
    assert scrape(metrics_port, "/").status_code == 404
    assert scrape(metrics_port, "/admin/").status_code == 404
    assert scrape(metrics_port, "/health/full").status_code == 404


def test_metrics_are_well_formed(prometheus_tools: Path, metrics_port: int) -> None:
    command = [str(prometheus_tools / "promtool"), "check", "metrics"]
    text = scrape(metrics_port).text
    done = subprocess.run(command, input=text, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_metric_that_is_named_exists(metrics_port: int) -> None:
    text = scrape(metrics_port).text
    declared = set(re.findall(r"^# TYPE (\S+)", text, re.M))
    there = declared | {line.split("{")[0].split(" ")[0] for line in text.splitlines()}
    named = set(NAME.findall((RULES / "alerts.yml").read_text()))
    page = (ROOT / "docs" / "reliability.md").read_text()
    named |= {name for name in NAME.findall(page) if f"`{name}" in page} - {"processing_check"}
    assert "http_request_duration_seconds_count" in named
    assert named - there == set()


def test_every_alarm_has_a_line_that_says_what_to_do() -> None:
    alarms = re.findall(r"- alert: (\w+)", (RULES / "alerts.yml").read_text())
    page = (ROOT / "docs" / "reliability.md").read_text().partition("## When an alert fires")[2]
    assert set(re.findall(r"^\| `(\w+)` \|", page, re.M)) == set(alarms)


def test_counts_of_all_processes_are_one_and_never_fall(metrics_port: int) -> None:
    def total() -> float:
        lines = re.findall(
            r"^http_request_duration_seconds_count\{.*\} (\S+)", scrape(metrics_port).text, re.M
        )
        return sum(map(float, lines))

    seen = [total() for _ in range(12)]
    assert seen == sorted(seen)
    assert seen[-1] >= seen[0] + 11  # each scrape is a call, whichever process answers it


@pytest.mark.matrix
def test_what_a_killed_process_had_open_is_not_counted_for_ever(stack: Stack, api: Api) -> None:
    port = free_port()
    server = Server(stack, METRICS_PORT=str(port))
    reader = Reader(server.url, {"Authorization": api.headers["Authorization"]})

    def open_streams() -> str:
        return re.findall(r"^live_streams (\S+)", scrape(port).text, re.M)[0]

    def is_up_again() -> bool:
        with contextlib.suppress(httpx.TransportError):
            return open_streams() == "0.0"
        return False

    try:
        wait_for(lambda: open_streams() == "1.0", what="the stream is counted")
        pid = stack.processes[server.name].pid
        child = Path(f"/proc/{pid}/task/{pid}/children").read_text()
        os.kill(int(child), signal.SIGKILL)
        wait_for(is_up_again, what="it is no longer counted")
    finally:
        reader.close()
        server.stop()


def test_prometheus_scrapes_it(prometheus_tools: Path, metrics_port: int, tmp_path: Path) -> None:
    config = (RULES / "prometheus.yml").read_text().replace("15s", "1s")
    # No engine with a name server here.
    config = config.partition("    dns_sd_configs:")[0]
    config += f"    static_configs: [{{targets: [127.0.0.1:{metrics_port}]}}]\n"
    (tmp_path / "prometheus.yml").write_text(config)
    (tmp_path / "alerts.yml").write_text((RULES / "alerts.yml").read_text())
    port = free_port()
    process = subprocess.Popen(
        [str(prometheus_tools / "prometheus"), f"--config.file={tmp_path / 'prometheus.yml'}",
         f"--web.listen-address=127.0.0.1:{port}", f"--storage.tsdb.path={tmp_path / 'data'}"],
        stderr=subprocess.DEVNULL, preexec_fn=dies_with_parent(),
    )  # fmt: skip

    def up() -> bool:
        try:
            url = f"http://127.0.0.1:{port}/api/v1/query?query=up"
            with urllib.request.urlopen(url, timeout=5) as answer:
                found = json.load(answer)["data"]["result"]
        except OSError:
            return False
        return [each["value"][1] for each in found] == ["1"]

    try:
        wait_for(up, what="Prometheus finds and scrapes the process")
    finally:
        process.terminate()
        process.wait(20)
