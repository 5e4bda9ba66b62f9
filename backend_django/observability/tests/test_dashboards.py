"""Rules and dashboards ask for what there is: by Prometheus, of a product that runs."""

import json
import logging
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from backend_django.utils.logs import JsonFormatter
from scripts.processes import dies_with_parent, free_port
from tests.plugin import debian
from tests.stack import ROOT, wait_for

from .conftest import Measured

pytestmark = pytest.mark.slow
FOLDER = ROOT / "docker" / "observability"
RULES = sorted((FOLDER / "prometheus").glob("*.rules.yml"))
DASHBOARDS = sorted((FOLDER / "grafana" / "dashboards").glob("*.json"))
Ask = Callable[[str], list[Any]]


@contextmanager
def running(*command: object, **environment: str) -> Iterator[None]:
    process = subprocess.Popen(
        list(map(str, command)), stderr=subprocess.DEVNULL, preexec_fn=dies_with_parent(),
        env=os.environ | environment,
    )  # fmt: skip
    try:
        yield
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture(scope="module")
def ask(
    prometheus_tools: Path, watched: Measured, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ask]:
    """A Prometheus that scrapes product and exporters, with the rules of docker/observability."""
    folder = tmp_path_factory.mktemp("prometheus")
    ports = {
        "web": watched.environment["METRICS_PORT"],
        "celeryworker": watched.celery_ports["worker"],
        "celerybeat": watched.celery_ports["beat"],
        "postgres": free_port(),
        "machine": free_port(),
    }
    exporters = {name: debian(f"prometheus-{name}-exporter") for name in ("postgres", "node")}
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": list(map(str, RULES)),
        "scrape_configs": [
            {"job_name": name, "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}
            for name, port in ports.items()
        ],
    }
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    port = free_port()

    def query(expression: str) -> list[Any]:
        url = f"http://127.0.0.1:{port}/api/v1/query"
        try:
            answer = httpx.post(url, data={"query": expression})
        except httpx.TransportError:  # it begins
            return []
        assert answer.status_code == 200, f"{expression}: {answer.text}"
        return list(answer.json()["data"]["result"])

    with ExitStack() as stack:
        stack.enter_context(running(
            prometheus_tools / "prometheus", f"--config.file={folder}/prometheus.yml",
            f"--web.listen-address=127.0.0.1:{port}", f"--storage.tsdb.path={folder}/data",
        ))  # fmt: skip
        stack.enter_context(running(
            exporters["postgres"] / "prometheus-postgres-exporter",
            f"--web.listen-address=127.0.0.1:{ports['postgres']}",
            DATA_SOURCE_NAME=watched.environment["DATABASE_URL"] + "?sslmode=disable",
        ))  # fmt: skip
        stack.enter_context(running(
            exporters["node"] / "prometheus-node-exporter",
            f"--web.listen-address=127.0.0.1:{ports['machine']}",
        ))  # fmt: skip
        api = stack.enter_context(watched.client())
        made = api.create("wordcount", b"two words")
        api.wait("wordcount", made["id"])
        url = f"{watched.url}/events/"
        stack.enter_context(httpx.stream("GET", url, headers=api.headers))
        yield query


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "rules", *(path.name for path in RULES)),
        ("test", "rules", "slo.test.yml"),
        ("test", "rules", "disks.test.yml"),
    ],
    ids=lambda arguments: arguments[-1],
)
def test_rules_are_as_prometheus_has_them(
    prometheus_tools: Path, arguments: tuple[str, ...]
) -> None:
    command = [str(prometheus_tools / "promtool"), *arguments]
    done = subprocess.run(command, cwd=FOLDER / "prometheus", capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def panels() -> list[Any]:
    return [
        pytest.param(target["expr"], id=f"{panel['title']}: {target.get('legendFormat') or 'all'}")
        for path in DASHBOARDS
        for panel in json.loads(path.read_text())["panels"]
        for target in panel["targets"]
        if panel["datasource"]["type"] == "prometheus"
    ]


@pytest.mark.matrix
@pytest.mark.parametrize("expression", panels())
def test_a_panel_shows_something(ask: Ask, expression: str) -> None:
    expression = expression.replace("$__rate_interval", "1m")
    # What is looked at once a minute comes at the next full one.
    wait_for(lambda: ask(expression), what=expression, seconds=90)


@pytest.mark.matrix
def test_a_worker_at_work_is_seen(ask: Ask, watched: Measured) -> None:
    with watched.client() as api:
        made = api.create("wordcount", b"SLEEP 600")
        try:
            api.wait("wordcount", made["id"], "processing")
            busy = "celery_worker_busy_processes > 0 < celery_worker_processes"
            wait_for(lambda: ask(busy), what="a busy process")
        finally:
            api.post(f"wordcount/cancel/{made['id']}/")
        api.wait("wordcount", made["id"])
    wait_for(lambda: ask("celery_worker_busy_processes == 0"), what="an idle worker")


def test_prometheus_asks_each_service_that_has_the_port() -> None:
    services = yaml.safe_load((FOLDER / "compose.yml").read_text())["services"]
    ports = {
        name: one["environment"]["CELERY_METRICS_PORT"]
        for name, one in services.items()
        if "CELERY_METRICS_PORT" in one.get("environment", {})
    }
    assert len(ports) == 3
    ports |= {"postgres-exporter": "9187", "node-exporter": "9100"}  # as their images have them
    assert services.keys() >= ports.keys()
    mounted = dict(
        one.removesuffix(":ro").split(":")
        for one in services["prometheus"]["volumes"]
        if ".json" in one
    )
    asked = {
        target
        for path in mounted
        for one in json.loads((ROOT / path).read_text())
        for target in one["targets"]
    }
    assert asked == {f"{name}:{port}" for name, port in ports.items()}
    config = yaml.safe_load((ROOT / "docker/prometheus/prometheus.yml").read_text())
    (modules,) = (one for one in config["scrape_configs"] if one["job_name"] == "modules")
    (pattern,) = modules["file_sd_configs"][0]["files"]
    assert all(fnmatch(path, pattern) for path in mounted.values())


def test_grafana_finds_its_sources_and_compose_its_files() -> None:
    sources = yaml.safe_load((FOLDER / "grafana" / "datasources.yml").read_text())["datasources"]
    known = {source["uid"] for source in sources}
    for path in DASHBOARDS:
        named = {panel["datasource"]["uid"] for panel in json.loads(path.read_text())["panels"]}
        assert named <= known
    compose = (FOLDER / "compose.yml").read_text()
    services = yaml.safe_load(compose)["services"]
    for host in re.findall(r"http://([a-z]+):\d+", compose + json.dumps(sources)):
        assert host in services or host in {"prometheus"}
    for mounted in re.findall(r"\./(docker/[\w./-]+):", compose):
        assert (ROOT / mounted).exists(), mounted
    for name in ("alertmanager/alertmanager.yml", "loki/loki.yml", "grafana/dashboards.yml"):
        assert yaml.safe_load((FOLDER / name).read_text())


def test_alloy_hands_on_to_what_there_is_and_labels_what_the_log_has() -> None:
    """Its own program reads it nowhere here: blocks close, and names lead to something."""
    text = re.sub(r"(?m)^\s*//.*$", "", (FOLDER / "alloy" / "config.alloy").read_text())
    depth = 0
    for token in re.findall(r'"(?:[^"\\\n]|\\.)*"|[{}"]', text):
        assert token != '"', "a text has no end"
        depth += {"{": 1, "}": -1}.get(token, 0)
        assert depth >= 0
    assert depth == 0
    made = {f"{kind}.{label}" for kind, label in re.findall(r'(?m)^([\w.]+) "(\w+)" {$', text)}
    assert len(made) == text.count("\n}") > 0
    named = re.findall(r"\b((?:discovery|loki)(?:\.\w+){2})\.(?:targets|output|receiver)\b", text)
    ends = {"loki.source.docker.all", "loki.write.loki"}  # nothing is asked of the first
    assert set(named) <= made
    assert made - set(named) <= ends
    alloy = yaml.safe_load((FOLDER / "compose.yml").read_text())["services"]["alloy"]
    assert set(re.findall(r'sys\.env\("(\w+)"\)', text)) == alloy["environment"].keys()
    assert alloy["environment"]["PROJECT"] == "${COMPOSE_PROJECT_NAME}"
    assert re.search(r'_project"\]\s+regex\s+= sys.env\("PROJECT"\)\s+action\s+= "keep"', text)
    (kept,) = re.findall(r"expressions = {(.*)}", text)
    record = logging.makeLogRecord({"levelname": "ERROR", "trace_id": "a", "request_id": "b"})
    written = json.loads(JsonFormatter().format(record))
    assert set(re.findall(r"(\w+) =", kept)) <= written.keys()


def test_every_alarm_has_a_section_that_says_what_to_do() -> None:
    page = (ROOT / "docs" / "observability.md").read_text()
    groups = [group for path in RULES for group in yaml.safe_load(path.read_text())["groups"]]
    for rule in (rule for group in groups for rule in group["rules"]):
        assert "alert" not in rule or f"`{rule['alert']}`" in page
