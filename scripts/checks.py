"""Runs the checks of the project and ends with what passed and what failed.

`python -m scripts.checks all|fast|matrix|lint|types [-- pytest arguments]`. A failure never keeps
the other checks from running; any failure makes the exit code 1.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

from scripts import chromium
from scripts.environment import FRONTEND, ROOT
from scripts.node import node_environment
from scripts.uv import UV

PYTHON = sys.executable
# Three at a time, on two processors: most of the long tests wait for processes, about a third of
# their time. Tests of one file stay together.
PYTEST = [PYTHON, "-m", "pytest", "-n", "3", "--dist", "loadfile", "--no-loadscope-reorder"]
TIMEOUT = ["--timeout", "1200"]  # of those that say none: a whole matrix is one test


class Check(NamedTuple):
    """A command; `groups` are the words that include it besides `all`."""

    name: str
    groups: set[str]
    command: list[str]
    cwd: Path = ROOT
    prepare: Callable[[dict[str, str]], None] = lambda environment: None


def give_browser(environment: dict[str, str]) -> None:
    """Tell the browser tests which Chromium to drive, or why there is none."""
    try:
        environment["CHROMIUM"] = chromium.find_or_install()
    except chromium.NoChromiumError as error:
        environment["NO_CHROMIUM"] = str(error)
        print(f"browser tests will be skipped: {error}", flush=True)


def npm(script: str) -> list[str]:
    return ["npm", "run", "--silent", script]


# It is fetched when it is asked for; ruff's S rules, which are nearly the same, run always.
BANDIT = [
    *(str(UV), "run", "--quiet", "--isolated", "--no-project"),
    *("--with-requirements", "requirements/lint.txt"),
    *("bandit", "--quiet", "-ll", "--recursive", "backend_django", "--exclude", "*/tests/*"),
]
CHECKS = [
    Check("rules", {"lint", "fast"}, [PYTHON, "-m", "ruff", "check", "."]),
    Check("format", {"lint", "fast"}, [PYTHON, "-m", "ruff", "format", "--check", "."]),
    # By Python: the script itself names the folder in which it was installed.
    Check("layers", {"lint"}, [PYTHON, str(Path(PYTHON).parent / "lint-imports")]),
    Check("bandit", {"lint", "lint only"}, BANDIT),
    Check("types", {"lint", "types"}, [PYTHON, "-m", "mypy"]),
    Check("page: rules", {"lint"}, npm("lint"), FRONTEND),
    Check("page: format", {"lint"}, npm("format:check"), FRONTEND),
    Check("page: types", {"lint", "types"}, npm("check"), FRONTEND),
    Check("page: tests", {"fast"}, npm("test"), FRONTEND),
    Check("page: budget", set(), npm("budget"), FRONTEND),
    # Two: these wait for little, and each process spends some seconds on reading all tests.
    Check("fast tests", {"fast only"}, [*PYTEST, "-n", "2", "-m", "not slow"]),
    Check("tests", set(), PYTEST, prepare=give_browser),
    Check("matrix", {"matrix"}, [*PYTEST, "-m", "matrix", *TIMEOUT], prepare=give_browser),
]


BY_NAME = {"fast only", "lint only", "matrix"}  # not in `all`


def select_checks(group: str) -> list[Check]:
    if group == "all":
        return [check for check in CHECKS if not check.groups & BY_NAME]
    wanted = {group, "fast only"} if group == "fast" else {group}
    return [check for check in CHECKS if check.groups & wanted]


class Outcome(NamedTuple):
    code: int
    seconds: float
    printed: str = ""  # what was not printed at once


def run_one(check: Check, arguments: list[str], *, quietly: bool = False) -> Outcome:
    environment = node_environment(dict(os.environ))
    check.prepare(environment)
    started = time.monotonic()
    try:
        done = subprocess.run(
            [*check.command, *arguments],
            cwd=check.cwd,
            env=environment,
            text=True,
            stdout=subprocess.PIPE if quietly else None,
            stderr=subprocess.STDOUT if quietly else None,
        )
        code, printed = done.returncode, done.stdout or ""
    except OSError as error:
        code, printed = 1, f"{error}\n"
    return Outcome(code, time.monotonic() - started, printed)


def run(checks: list[Check], pytest_arguments: list[str]) -> int:
    """Run the checks, those that keep one processor busy two at a time, and say what failed."""
    tests = [check for check in checks if "pytest" in check.command]
    others = [check for check in checks if check not in tests]
    results = []
    with ThreadPoolExecutor(2) as pool:
        outcomes = pool.map(partial(run_one, arguments=[], quietly=True), others)
        for check, outcome in zip(others, outcomes, strict=True):
            print(f"\n── {check.name}\n{outcome.printed}", end="", flush=True)
            results.append((check, outcome))
    for check in tests:
        print(f"\n── {check.name}", flush=True)
        outcome = run_one(check, pytest_arguments)
        print(outcome.printed, end="")
        results.append((check, outcome))
    print("\n── summary")
    for check, outcome in results:
        word = "FAILED" if outcome.code else "passed"
        print(f"  {word}  {check.name:<14}{outcome.seconds:6.1f} s")
    failed = sum(bool(outcome.code) for _, outcome in results)
    print(
        f"{failed} of {len(results)} checks failed" if failed else "everything passed", flush=True
    )
    return 1 if failed else 0


def main() -> int:
    group, *rest = sys.argv[1:] or ["all"]
    checks = select_checks(group)
    if not checks:
        print(f"unknown group {group}: choose all, fast, matrix, lint or types", file=sys.stderr)
        return 2
    try:
        return run(checks, [argument for argument in rest if argument != "--"])
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
