"""A process that hangs is ended by the one that watches it, in containers and on this machine."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scripts.processes import dies_with_parent, free_port, is_alive
from tests.stack import ROOT, Stack, wait_for

pytestmark = pytest.mark.slow
WATCH = ROOT / "docker" / "production" / "django" / "watch"
Watch = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def watch(stack: Stack, tmp_path: Path) -> Iterator[Watch]:
    started: list[subprocess.Popen[str]] = []

    def start(*command: str, seconds: float = 3) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, str(WATCH), str(seconds), *command],
            cwd=ROOT,
            env=stack.environment | {"TMPDIR": str(tmp_path), "PORT": str(free_port())},
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=dies_with_parent(),
        )
        started.append(process)
        return process

    yield start
    for process in started:
        for child in children(process.pid):
            os.killpg(child, signal.SIGKILL)
        process.kill()
        process.communicate()


def children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(word) for word in listed.read_text().split()] if listed.exists() else []


@pytest.mark.parametrize("name", ["web", "worker", "beat"])
def test_a_process_that_is_stopped_is_ended(
    stack: Stack, watch: Watch, tmp_path: Path, name: str
) -> None:
    process = watch(sys.executable, "-m", *Stack.commands[name])
    wait_for((tmp_path / "pulse").exists, what="it lives")
    (main,) = children(process.pid)
    for pid in [main, *children(main)]:
        os.kill(pid, signal.SIGSTOP)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 70
    assert "watch: no sign of life for 3 s, killed" in said
    wait_for(lambda: not is_alive(main), what="the kernel has ended it")


def test_a_signal_and_an_exit_code_pass_through(watch: Watch, tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    code = (
        "import signal, sys, time, pathlib;"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(7));"
        f"pathlib.Path({str(ready)!r}).touch(); time.sleep(60)"
    )
    process = watch(sys.executable, "-c", code)
    wait_for(ready.exists, what="it runs")
    process.terminate()
    assert process.wait(20) == 7


def test_what_shows_no_life_yet_is_left_alone(watch: Watch) -> None:
    process = watch(sys.executable, "-c", "import time; time.sleep(3)", seconds=0.5)
    assert process.wait(20) == 0


def test_who_is_told_to_stop_has_the_time_that_the_engine_gives(
    watch: Watch, tmp_path: Path
) -> None:
    """What ends its work shows no life any more while it takes itself down, on a busy machine."""
    ready = tmp_path / "ready"
    code = (
        "import os, pathlib, signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: (time.sleep(5), sys.exit(7)))\n"
        "while True:\n"
        "    pathlib.Path(os.environ['PULSE_FILE']).touch()\n"
        f"    pathlib.Path({str(ready)!r}).touch()\n"
        "    time.sleep(0.1)\n"
    )
    process = watch(sys.executable, "-c", code, seconds=2.5)
    wait_for(ready.exists, what="it runs")
    process.terminate()
    assert process.wait(60) == 7
