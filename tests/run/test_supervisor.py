"""The supervisor with small fake programs: restarts, order of the stop, nothing left behind."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.stack import ROOT, wait_for

pytestmark = pytest.mark.slow  # patience is part of what is tested

RUN = """
import json, os, sys
from pathlib import Path
from scripts.supervisor import Program, Supervisor
supervisor = Supervisor()
spec = json.loads(sys.argv[1])
supervisor.stages = spec.get("stages", [])
for name, code, options in spec["programs"]:
    command = [sys.executable, "-u", "-c", code]
    if "pulse" in options:
        options["pulse"] = Path(options["pulse"])
    supervisor.add(Program(name, command, dict(os.environ), Path.cwd(), **options))
sys.exit(supervisor.run())
"""
SLEEP = "import os, time; print('up', os.getpid()); time.sleep(600)"
STUBBORN = (
    "import os, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "print('up', os.getpid()); time.sleep(600)"
)
# a program whose child left its process group and ignores SIGTERM, and which does not care for it
PARENT = (
    "import subprocess, sys, time;"
    f"subprocess.Popen([sys.executable, '-u', '-c', {STUBBORN!r}], start_new_session=True);"
    "print('up parent'); time.sleep(600)"
)

Programs = list[tuple[str, str, dict[str, object]]]


class Run:
    """A supervisor in a process of its own, its log in a file."""

    def __init__(self, folder: Path, programs: Programs, stages: list[list[str]]) -> None:

        self.mark = f"TEST_MARK={uuid4().hex}"
        name, value = self.mark.split("=")
        self.log_file = folder / "log"
        spec = json.dumps({"programs": programs, "stages": stages})
        with self.log_file.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", RUN, spec],
                cwd=ROOT,
                env={**os.environ, name: value},
                stdout=log,
                stderr=log,
            )

    @property
    def log(self) -> str:
        return self.log_file.read_text()

    def wait_for_line(self, pattern: str, count: int = 1) -> list[str]:
        """The first group of each match, once there are `count` of them."""
        return wait_for(
            lambda: found if len(found := re.findall(pattern, self.log)) >= count else [],
            what=f"{pattern} in\n{self.log}",
        )


@pytest.fixture
def start(tmp_path: Path, family: Callable[[str], list[int]]) -> Iterator[Callable[..., Run]]:
    """Start a supervisor of programs (name, Python code, options)."""
    runs: list[Run] = []

    def make(
        *programs: tuple[str, str, dict[str, object]], stages: list[list[str]] | None = None
    ) -> Run:
        runs.append(Run(tmp_path, list(programs), stages or []))
        return runs[-1]

    yield make
    for run in runs:
        for pid in family(run.mark):
            os.kill(pid, signal.SIGKILL)
        run.process.wait()


def test_a_killed_program_is_started_again(start: Callable[..., Run]) -> None:
    run = start(("one", SLEEP, {}))
    (first,) = run.wait_for_line(r"one │ up (\d+)")
    os.kill(int(first), signal.SIGKILL)
    _, second = run.wait_for_line(r"one │ up (\d+)", count=2)
    assert second != first
    assert "one │ ended (exit code -9), starts again in 0.5 s" in run.log


def test_a_program_that_will_not_start_ends_the_run(start: Callable[..., Run]) -> None:
    run = start(("fine", SLEEP, {}), ("bad", "print('no such setting', end=''); exit(3)", {}))
    assert run.process.wait(60) == 1
    assert "bad │ no such setting\n" in run.log
    assert "ended 5 times right after its start (exit code 3): giving up" in run.log
    delays = re.findall(r"starts again in ([\d.]+) s", run.log)
    assert delays == ["0.5", "1", "2", "4"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_everything_and_leaves_nothing(
    number: int, start: Callable[..., Run], family: Callable[[str], list[int]]
) -> None:
    run = start(("one", SLEEP, {}), ("two", PARENT, {}))
    run.wait_for_line(r"│ up", count=3)
    run.process.send_signal(number)
    assert run.process.wait(30) == 0
    assert family(run.mark) == []
    assert "nothing is left running" in run.log


def test_kill_9_of_the_supervisor_leaves_nothing(
    start: Callable[..., Run], family: Callable[[str], list[int]]
) -> None:
    run = start(("one", SLEEP, {}), ("two", PARENT, {}), ("three", STUBBORN, {}))
    run.wait_for_line(r"│ up", count=4)
    assert len(family(run.mark)) >= 5
    run.process.kill()
    run.process.wait()
    wait_for(lambda: not family(run.mark), what="everything the supervisor had started ends")


def test_programs_stop_in_the_order_of_the_stages(start: Callable[..., Run]) -> None:
    polite = (
        "import signal, sys, time;"
        "signal.signal(signal.SIGTERM, lambda *_: (time.sleep(.3), print('finished'), sys.exit()));"
        "print('up'); time.sleep(600)"
    )
    programs: list[Any] = [(name, polite, {}) for name in ("last", "first", "second")]
    run = start(*programs, stages=[["first"], ["second"]])
    run.wait_for_line(r"│ up", count=3)
    run.process.terminate()
    assert run.process.wait(30) == 0
    assert re.findall(r"(\w+) │ finished", run.log) == ["first", "second", "last"]


def test_what_does_not_stop_in_time_is_killed(start: Callable[..., Run]) -> None:
    run = start(("slow", STUBBORN, {"stop_seconds": 0.5}))
    run.wait_for_line(r"│ up")
    run.process.send_signal(signal.SIGINT)
    assert run.process.wait(30) == 0
    assert "slow │ did not stop within 0.5 s, killed" in run.log


def test_what_hangs_is_killed_and_starts_again(start: Callable[..., Run], tmp_path: Path) -> None:
    pulse = tmp_path / "pulse"
    lively = (
        "import os, pathlib, time; print('up', os.getpid())\n"
        f"while True: pathlib.Path({str(pulse)!r}).touch(); time.sleep(0.1)"
    )
    run = start(("one", lively, {"pulse": str(pulse), "pulse_seconds": 2}))
    (pid,) = run.wait_for_line(r"│ up (\d+)")
    wait_for(pulse.exists)
    os.kill(int(pid), signal.SIGSTOP)
    run.wait_for_line(r"one │ no sign of life for 2 s, killed")
    run.wait_for_line(r"│ up (\d+)", count=2)


def test_a_second_ctrl_c_kills_at_once(start: Callable[..., Run]) -> None:
    run = start(("slow", STUBBORN, {"stop_seconds": 600}))
    run.wait_for_line(r"│ up")
    run.process.send_signal(signal.SIGINT)
    run.wait_for_line(r"stopping \(Ctrl-C again to kill\)")

    def is_killed() -> bool:
        run.process.send_signal(signal.SIGINT)
        return run.process.poll() is not None

    wait_for(is_killed)
    assert "killed" not in run.log  # not by running out of patience
    assert "nothing is left running" in run.log


def test_orphans_of_a_crashed_program_are_ended_before_it_starts_again(
    start: Callable[..., Run], family: Callable[[str], list[int]]
) -> None:
    child = f"[sys.executable, '-u', '-c', {SLEEP!r}]"
    run = start(("one", f"import subprocess, sys; subprocess.run({child})", {}))
    (orphan,) = run.wait_for_line(r"│ up (\d+)")
    parent = int(Path(f"/proc/{orphan}/stat").read_text().split()[3])
    os.kill(parent, signal.SIGKILL)
    run.wait_for_line(r"│ up (\d+)", count=2)
    assert int(orphan) not in family(run.mark)


def test_a_reader_that_goes_away_ends_the_run(family: Callable[[str], list[int]]) -> None:

    mark = uuid4().hex
    chatty = "import time\nwhile True: print('line'); time.sleep(.05)"
    spec = json.dumps({"programs": [("one", chatty, {})]})
    with subprocess.Popen(
        [sys.executable, "-c", RUN, spec],
        cwd=ROOT,
        env={**os.environ, "TEST_MARK": mark},
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout
        assert b"line" in process.stdout.readline()
        process.stdout.close()
        process.wait(30)
    assert family(mark) == []
