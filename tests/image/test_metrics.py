"""Prometheus beside production.yml, as the guide starts it, in the network of the containers."""

import json
import shutil
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from scripts import debian
from tests.image.deployment import Deployment
from tests.image.engine import docker, run
from tests.stack import ROOT, wait_for

pytestmark = [pytest.mark.image, pytest.mark.timeout(900)]
IMAGE = "prom/prometheus:latest"
PAGE = "http://127.0.0.1:9090/api/v1/query?query="  # as docker/prometheus/compose.yml publishes it
STAND_IN = """
FROM python:3.13-slim-trixie
COPY prometheus /bin/prometheus
RUN mkdir /prometheus && chown nobody /prometheus
USER nobody
ENTRYPOINT ["/bin/prometheus"]
CMD ["--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/prometheus"]
"""


def make_image(folder: Path) -> None:
    """Make the image of Debian's program where it cannot be pulled."""
    if not run("docker", "image", "inspect", IMAGE, check=False).returncode:
        return
    if not run("docker", "pull", "--quiet", IMAGE, check=False).returncode:
        return
    try:
        shutil.copy(debian.find_or_fetch("prometheus") / "prometheus", folder)
    except debian.NoPackageError as error:
        pytest.skip(str(error))
    (folder / "Dockerfile").write_text(STAND_IN)
    docker("build", "--quiet", "--tag", IMAGE, "--label", "stand-in=1", str(folder))


@pytest.fixture
def prometheus(deployment: Deployment, tmp_path: Path) -> Iterator[None]:
    make_image(tmp_path)
    shutil.copytree(
        ROOT / "docker/prometheus", deployment.folder / "docker/prometheus", dirs_exist_ok=True
    )
    try:
        deployment.guide("metrics")
        yield
    finally:
        both = ["--file", "production.yml", "--file", "docker/prometheus/compose.yml"]
        deployment.compose(*both, "rm", "--stop", "--force", "--volumes", "prometheus")


def ask(query: str) -> list[Any]:
    """Return the values of a query; none while nobody answers."""
    try:
        with urllib.request.urlopen(PAGE + quote(query), timeout=5) as answer:
            return [each["value"][1] for each in json.load(answer)["data"]["result"]]
    except OSError:
        return []


@pytest.mark.usefixtures("prometheus")
def test_prometheus_finds_web_and_scrapes_it(deployment: Deployment) -> None:
    wait_for(lambda: ask("up") == ["1"], seconds=60, what="Prometheus scrapes web by its name")
    counted = 'sum(http_request_duration_seconds_count{status="200"})'
    before = ask(counted)
    with deployment.api() as client:
        assert client.get("version-info/").status_code == 200
    wait_for(
        lambda: ask(counted) and float(ask(counted)[0]) > float(before[0] if before else 0),
        seconds=60,
        what="Prometheus has seen another call",
    )
    assert ask("processing_disk_free_bytes"), "what health tells is in the same scrape"
