"""The Makefile and the checks: every target explained, every failure told."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from scripts import checks, chromium
from scripts.uv import UV
from tests.stack import ROOT


def make(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", *arguments], cwd=ROOT, env=environment or None, capture_output=True, text=True
    )


def test_help_is_the_default_and_lists_every_target() -> None:
    files = [ROOT / "Makefile", *ROOT.glob("scripts/**/*.mk"), *ROOT.glob("backend_django/*/*.mk")]
    phony = [name for f in files for name in re.findall(r"(?m)^\.PHONY: (.*)$", f.read_text())]
    listed = re.findall(r"(?m)^  make ([a-z-]+) +\S", make().stdout)
    assert sorted(listed) == sorted(name for names in phony for name in names.split())


def test_a_machine_without_python_is_told_so(tmp_path: Path) -> None:
    done = make("run", PATH=f"{tmp_path}:/usr/bin:/bin", PYTHON="python-that-is-not-there")
    assert done.returncode == 2
    assert "Python 3.11 or newer is needed and there is no python-that-is-not-there" in done.stderr


def test_an_old_python_is_passed_over_for_a_newer_one(tmp_path: Path) -> None:
    old, new = tmp_path / "python3.13", tmp_path / "python3.12"
    old.write_text("#!/bin/sh\nexit 1\n")  # a shim for a version that is not installed
    new.write_text('#!/bin/sh\n[ "$1" = -c ] || echo "chosen: $0 $*"\n')
    for path in (old, new):
        path.chmod(0o755)
    done = make("--dry-run", "run", PATH=f"{tmp_path}:/usr/bin:/bin")
    assert '"python3.12" -m scripts.bootstrap' in done.stdout


def test_clean_never_names_data_or_settings() -> None:
    removed = make("--dry-run", "clean").stdout
    assert "rm -rf" in removed
    assert ".data" not in removed
    assert ".env" not in re.findall(r"\S+", removed)


def fake(name: str, code: str) -> checks.Check:
    return checks.Check(name, set(), [sys.executable, "-c", code])


def test_one_failure_fails_the_whole_and_hides_nothing(
    capfd: pytest.CaptureFixture[str],
) -> None:
    wanted = [fake("one", "exit(3)"), fake("two", "print('two ran')"), fake("three", "")]
    assert checks.run(wanted, []) == 1
    printed = capfd.readouterr().out
    assert "two ran" in printed
    assert re.findall(r"  (FAILED|passed)  (\w+)", printed) == [
        ("FAILED", "one"),
        ("passed", "two"),
        ("passed", "three"),
    ]
    assert printed.endswith("1 of 3 checks failed\n")


def test_all_green_is_zero(capfd: pytest.CaptureFixture[str]) -> None:
    assert checks.run([fake("one", "")], []) == 0
    assert capfd.readouterr().out.endswith("everything passed\n")


def test_a_command_that_is_not_there_is_a_failure() -> None:
    assert checks.run([checks.Check("none", set(), ["/no/such/command"])], []) == 1


def test_no_check_starts_by_a_script_that_names_the_folder_it_was_installed_in() -> None:
    """It would fail as soon as the folder of a project is moved."""
    known = {checks.PYTHON, str(UV), "npm"}
    assert {check.command[0] for check in checks.CHECKS} <= known


def test_what_each_group_runs() -> None:
    names = {
        group: [c.name for c in checks.select_checks(group)]
        for group in ("all", "fast", "matrix", "lint")
    }
    assert {"rules", "types", "layers", "page: types", "page: tests", "tests"} <= {*names["all"]}
    assert "fast tests" not in names["all"]  # the same tests twice
    assert "fast tests" in names["fast"]
    assert "tests" not in names["fast"]
    assert names["matrix"] == ["matrix"]
    assert "matrix" not in names["all"]
    assert {"rules", "format", "layers", "types", "page: rules"} <= {*names["lint"]}


def test_without_a_browser_the_reason_is_handed_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(chromium, "find", lambda: None)

    def fail() -> str:
        raise LookupError("no way")

    for way in ("from_npm", "from_playwright", "from_apt"):
        monkeypatch.setattr(chromium, way, fail)
    environment: dict[str, str] = {}
    checks.give_browser(environment)
    assert "set CHROMIUM to its path" in environment["NO_CHROMIUM"]
    assert "browser tests will be skipped: no Chromium was found" in capsys.readouterr().out


def test_a_given_chromium_is_preferred(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = tmp_path / "mine"
    given.write_text("#!/bin/sh\necho Chromium 1\n")
    given.chmod(0o755)
    monkeypatch.setenv("CHROMIUM", str(given))
    assert chromium.find() == str(given)
