"""What is read from a real worker's rows, and from the memory of processes, is what they say."""

import pytest

from benchmarks.kubernetes.measured import Row, Waits, between, compare, simulate
from benchmarks.kubernetes.soak import Look, growth

# Two places: the third waits for the first one to end, and a moment more.
ROWS = [Row(100, 100, 102), Row(100, 100, 103), Row(100.5, 102.05, 104.05)]


def test_a_simulated_worker_makes_people_wait_as_the_real_one_did() -> None:
    assert simulate(ROWS, 2) == pytest.approx([0, 0, 1.5])
    assert between(ROWS) == pytest.approx(0.05)
    assert simulate(ROWS, 2, between(ROWS)) == pytest.approx([0, 0, 1.55])
    assert simulate(ROWS, 3) == [0, 0, 0]


def test_waits_are_said_side_by_side() -> None:
    assert Waits.of([0.0] * 98 + [1, 9]) == (0.1, 0, 0, 1)
    first, measured, simulated, nearer = compare(ROWS, 2).splitlines()
    assert first == "3 requests in 4 s, 2 places busy for 86% of it"
    assert "p99  1.55 s" in measured
    assert "p99  1.50 s" in simulated
    assert "p99  1.55 s, with 0.05 s between two" in nearer


def test_growth_is_that_of_an_hour_and_leaves_the_warm_up_out() -> None:
    def look(minute: int, mebibytes: float) -> Look:
        return Look(minute, 1, int(mebibytes * 2**20), 1)

    flat = [look(minute, 50 * minute if minute < 10 else 500) for minute in range(30)]
    assert growth(flat, 10) == pytest.approx(0)
    leaking = [look(minute, 100 + 0.5 * minute) for minute in range(30)]
    assert growth(leaking, 10) == pytest.approx(30, rel=0.01)
    assert growth(leaking, 28) is None
