"""The simulated queue is the one that theory has, and it scales as the chart asks for."""

import math
import random
import re
import subprocess
import sys

import pytest

from deploy.simulate import Outcome, Request, Rule, Simulation
from tests.matrix import matrix
from tests.stack import ROOT


def erlang_c(rate: float, seconds: float, servers: int) -> tuple[float, float]:
    """Return the part that waits and the mean wait of an M/M/c queue (A. K. Erlang, 1917)."""
    load = rate * seconds
    tail = load**servers / math.factorial(servers) * servers / (servers - load)
    waits = tail / (sum(load**k / math.factorial(k) for k in range(servers)) + tail)
    return waits, waits * seconds / (servers - load)


def run(rate: float, seconds: float, rule: Rule, number: int = 60_000) -> Outcome:
    rng, at, requests = random.Random(3), 0.0, []
    for _ in range(number):
        at += rng.expovariate(rate)
        requests.append(Request(at, rng.expovariate(1 / seconds)))
    return Simulation(requests, rule).run()


@pytest.mark.matrix
def test_without_scaling_it_is_erlangs_queue() -> None:
    for servers, load in ((2, 1.5), (6, 4.8), (20, 17)):
        found = run(load / 3, 3, Rule(servers // 2, servers // 2, places=2))
        waits, mean = erlang_c(load / 3, 3, servers)
        assert math.isclose(sum(w > 0 for w in found.waits) / len(found.waits), waits, rel_tol=0.1)
        assert math.isclose(sum(found.waits) / len(found.waits), mean, rel_tol=0.15)


def test_a_batch_waits_for_itself() -> None:
    batch = [Request(0, 1, place) for place in range(100)]
    others = [Request(10.5 + number, 1) for number in range(20)]
    found = Simulation([*batch, *others], Rule(1, 1, places=2)).run()
    assert max(found.first) <= 1
    assert max(found.waits) >= 50


def test_workers_come_with_the_work_and_go_when_none_is_cut() -> None:
    rule = Rule(1, 8, places=2, per_worker=2, start=30)
    burst = [Request(0, 600) for _ in range(16)]
    late = [Request(4000, 1)]
    found = Simulation([*burst, *late], rule).run()
    assert found.most == 8
    assert len(found.waits) == 17
    # One worker all the time; the others for their work and the five calm minutes, no more.
    assert 8 * 600 < found.worker_seconds < 4000 + 7 * (600 + 300 + 300)


def test_a_lost_zone_is_made_up_for() -> None:
    requests = [Request(at, 3) for at in range(3600)]
    rule = Rule(2, 12, places=2, per_worker=2, start=30)
    usual, lost = (
        Simulation(requests, rule).run(),
        Simulation(requests, rule, (900, 1800, 0.5)).run(),
    )
    assert len(lost.waits) == len(usual.waits) == 3600
    assert lost.most > usual.most
    assert lost.percentile(lost.waits, 0.99) < 120


PAGE = (ROOT / "docs/scaling.md").read_text(encoding="utf-8")
SAID = re.findall(r"(?m)^\$ (deploy/simulate\.py .*)\n(.*)$", PAGE)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "said"),
    [matrix(*one) if "100000" in one[0] else one for one in SAID],
    ids=[command.removeprefix("deploy/simulate.py ") for command, _ in SAID],
)
def test_the_page_says_what_it_prints(command: str, said: str) -> None:
    done = subprocess.run(
        [sys.executable, *command.split()], cwd=ROOT, capture_output=True, text=True
    )
    assert done.stdout.strip() == said
