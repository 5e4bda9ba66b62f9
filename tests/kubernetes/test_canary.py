"""A canary by a real Prometheus that scrapes two releases; visitors go as the weight says."""

import json
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Histogram, start_http_server

from scripts.processes import dies_with_parent, free_port
from tests.matrix import matrix
from tests.stack import ROOT, wait_for

pytestmark = pytest.mark.slow


class Release:
    """Serves metrics as web does, of answers that it is told of."""

    def __init__(self, *, errors: float = 0, seconds: float = 0.03) -> None:
        self.errors, self.seconds = errors, seconds
        registry = CollectorRegistry()
        self.answers = Histogram(
            "http_request_duration_seconds", "Of answers.", ["method", "status"],
            buckets=(0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5), registry=registry,
        )  # fmt: skip
        self.port = free_port()
        self.server, _ = start_http_server(self.port, "127.0.0.1", registry)

    def answer(self) -> int:
        """Answer a call; return the status."""
        status = 500 if random.random() < self.errors else 200
        self.answers.labels("GET", str(status)).observe(self.seconds)
        return status


class Site:
    """Two releases, visitors, and the file with the weight."""

    def __init__(
        self, folder: Path, program: Path, canary: Release, beside: Release | None = None
    ) -> None:
        self.folder, self.weight = folder, folder / "weights"
        self.weight.write_text("0\n")
        self.stable, self.canary, self.beside = Release(), canary, beside
        self.ended = threading.Event()
        self.set_weight = f"echo {{weight}} >>{self.weight}"
        self.begin()
        threading.Thread(target=self.visit, daemon=True).start()
        jobs = [
            {"job_name": name, "static_configs": [{"targets": [f"127.0.0.1:{one.port}"]}]}
            for name, one in (("stable", self.stable), ("canary", canary), ("beside", beside))
            if one
        ]
        config = {"global": {"scrape_interval": "1s"}, "scrape_configs": jobs}
        (folder / "prometheus.yml").write_text(json.dumps(config))  # JSON is YAML
        self.port = free_port()
        self.prometheus = subprocess.Popen(
            [str(program / "prometheus"), f"--config.file={folder}/prometheus.yml",
             f"--web.listen-address=127.0.0.1:{self.port}", f"--storage.tsdb.path={folder}/data"],
            stderr=subprocess.DEVNULL, preexec_fn=dies_with_parent(),
        )  # fmt: skip

    def begin(self) -> None:
        """Start what is between visitors and releases."""

    def visit(self) -> None:
        while not self.ended.wait(0.02):
            weight = int((self.weights() or ["0"])[-1])  # a file is empty while it is written
            chosen = self.canary if random.random() * 100 < weight else self.stable
            chosen.answer()
            if self.beside and chosen is self.canary:
                self.beside.answer()

    def weights(self) -> list[str]:
        return self.weight.read_text().split()

    def roll_out(self, *more: str, **changes: str) -> subprocess.CompletedProcess[str]:
        options = {
            "prometheus": f"http://127.0.0.1:{self.port}",
            "canary": 'job="canary"',
            "stable": 'job="stable"',
            "set": self.set_weight,
            "steps": "20,50,100", "hold": "4", "every": "1", "window": "6",
        } | changes  # fmt: skip
        command = [sys.executable, str(ROOT / "deploy/canary.py")]
        command += [f"--{name}={value}" for name, value in options.items()]
        return subprocess.run([*command, *more], capture_output=True, text=True, timeout=100)

    def close(self) -> None:
        self.ended.set()
        self.prometheus.terminate()
        self.prometheus.wait(20)
        for release in filter(None, (self.stable, self.canary, self.beside)):
            release.server.shutdown()
            release.server.server_close()


MakeSite = Callable[..., Site]


@pytest.fixture
def kind() -> type[Site]:
    return Site


@pytest.fixture
def site(tmp_path: Path, prometheus_tools: Path, kind: type[Site]) -> Iterator[MakeSite]:
    made: list[Site] = []

    def make(*, beside: Release | None = None, **canary: float) -> Site:
        made.append(kind(tmp_path, prometheus_tools, Release(**canary), beside))
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:  # two scrapes are a rate
            if made[-1].roll_out(steps="0", hold="0").returncode == 0:
                made[-1].weight.write_text("0\n")
                return made[-1]
            time.sleep(0.5)
        raise AssertionError(f"Prometheus did not begin: {made[-1].roll_out(steps='0', hold='0')}")

    yield make
    for one in made:
        one.close()


@pytest.mark.matrix
def test_a_good_release_gets_all_visitors(site: MakeSite) -> None:
    made = site()
    done = made.roll_out()
    assert done.returncode == 0, done.stdout + done.stderr
    assert made.weights() == ["0", "20", "50", "100"]


@pytest.mark.matrix
@pytest.mark.parametrize(
    ("faults", "words"),
    [
        ({"errors": 0.3}, "of its answers are errors"),
        matrix({"seconds": 0.8}, "of its answers take"),
    ],
    ids=["errors", "slow"],
)
def test_a_bad_release_is_taken_back(site: MakeSite, faults: dict[str, float], words: str) -> None:
    made = site(**faults)
    done = made.roll_out()
    assert done.returncode == 1
    assert words in done.stderr
    assert made.weights() == ["0", "20", "0"]


@pytest.mark.matrix
def test_no_process_hides_the_errors_of_another(site: MakeSite) -> None:
    beside = Release(errors=0.3)
    made = site(beside=beside)
    pair = ('--canary=job="beside"', '--stable=job="stable"')
    done = made.roll_out(*pair, steps="20", hold="2")
    assert done.returncode == 1
    assert "of its answers are errors" in done.stderr
    beside.errors = 0
    wait_for(lambda: made.roll_out(*pair, steps="20,100", hold="2").returncode == 0,
             seconds=60, what="its errors are forgotten")  # fmt: skip
    # Nobody calls it, although its stable release is called.
    gone = made.roll_out('--canary=job="nobody"', '--stable=job="stable"', steps="20", hold="2")
    assert gone.returncode == 1
    assert 'job="nobody" answers 0.00 requests a second' in gone.stderr
    assert made.roll_out('--canary=job="nobody"').returncode == 2
    assert made.weights()[-1] == "0"


@pytest.mark.matrix
def test_without_numbers_it_is_taken_back(site: MakeSite) -> None:
    made = site()
    for changes, words in (
        ({"canary": 'job="nobody"', "hold": "1", "window": "1"}, "too few to tell"),
        ({"prometheus": f"http://127.0.0.1:{free_port()}"}, "Prometheus does not answer"),
        ({"set": "false"}, "It could NOT be taken back"),
    ):
        done = made.roll_out(**changes)
        assert done.returncode in {1, 2}
        assert words in done.stderr
        assert made.weights()[-1] == "0"
