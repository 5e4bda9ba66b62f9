"""Rules and dashboards ask for what there is: by Prometheus, of a product that runs."""

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from scripts.processes import dies_with_parent, free_port
from tests.stack import ROOT, wait_for

from .conftest import Measured

pytestmark = pytest.mark.slow
FOLDER = ROOT / "docker" / "observability"
RULES = FOLDER / "prometheus" / "slo.rules.yml"
DASHBOARDS = sorted((FOLDER / "grafana" / "dashboards").glob("*.json"))
Ask = Callable[[str], list[Any]]


@pytest.fixture(scope="module")
def ask(
    prometheus_tools: Path, watched: Measured, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ask]:
    """A Prometheus that scrapes the product, with the rules of docker/observability."""
    folder = tmp_path_factory.mktemp("prometheus")
    ports = {
        "web": watched.environment["METRICS_PORT"],
        "celeryworker": watched.celery_ports["worker"],
        "celerybeat": watched.celery_ports["beat"],
    }
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(RULES)],
        "scrape_configs": [
            {"job_name": name, "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}
            for name, port in ports.items()
        ],
    }
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    port = free_port()
    process = subprocess.Popen(
        [str(prometheus_tools / "prometheus"), f"--config.file={folder}/prometheus.yml",
         f"--web.listen-address=127.0.0.1:{port}", f"--storage.tsdb.path={folder}/data"],
        stderr=subprocess.DEVNULL, preexec_fn=dies_with_parent(),
    )  # fmt: skip

    def query(expression: str) -> list[Any]:
        url = f"http://127.0.0.1:{port}/api/v1/query"
        try:
            answer = httpx.post(url, data={"query": expression})
        except httpx.TransportError:  # it begins
            return []
        assert answer.status_code == 200, f"{expression}: {answer.text}"
        return list(answer.json()["data"]["result"])

    with watched.client() as api:
        made = api.create("wordcount", b"two words")
        api.wait("wordcount", made["id"])
        with httpx.stream("GET", f"{watched.url}/events/", headers=api.headers):
            try:
                yield query
            finally:
                process.terminate()
                process.wait(20)


@pytest.mark.parametrize(
    "arguments", [("check", "rules", RULES.name), ("test", "rules", "slo.test.yml")]
)
def test_rules_are_as_prometheus_has_them(
    prometheus_tools: Path, arguments: tuple[str, ...]
) -> None:
    command = [str(prometheus_tools / "promtool"), *arguments]
    done = subprocess.run(command, cwd=RULES.parent, capture_output=True, text=True)
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
    asked = {
        one["labels"]["job"]: one["targets"]
        for one in json.loads((FOLDER / "prometheus" / "workers.json").read_text())
    }
    assert asked == {name: [f"{name}:{port}"] for name, port in ports.items()}
    mounted = next(one for one in services["prometheus"]["volumes"] if "workers.json" in one)
    config = yaml.safe_load((ROOT / "docker/prometheus/prometheus.yml").read_text())
    (modules,) = (one for one in config["scrape_configs"] if one["job_name"] == "modules")
    (pattern,) = modules["file_sd_configs"][0]["files"]
    assert fnmatch(mounted.split(":")[1], pattern)


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


def test_every_alarm_has_a_section_that_says_what_to_do() -> None:
    page = (ROOT / "docs" / "observability.md").read_text()
    for group in yaml.safe_load(RULES.read_text())["groups"]:
        for rule in group["rules"]:
            assert "alert" not in rule or f"`{rule['alert']}`" in page
