"""`make release`: one commit and one tag that say the same version everywhere."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import RELEASE, git

pytestmark = pytest.mark.slow


def release(folder: Path, version: str) -> subprocess.CompletedProcess[str]:
    who = {"GIT_AUTHOR_NAME": "T", "GIT_AUTHOR_EMAIL": "t@example.com"}
    who |= {name.replace("AUTHOR", "COMMITTER"): value for name, value in who.items()}
    return subprocess.run(
        [sys.executable, "-m", "scripts.release", version],
        cwd=folder, env={**os.environ, **who, "PYTHONPATH": ""}, capture_output=True, text=True,
    )  # fmt: skip


def test_a_release_says_its_version_everywhere(clone: Path) -> None:
    done = release(clone, "1.2.0")
    assert done.returncode == 0, done.stderr
    assert 'version = "1.2.0"' in (clone / "project.toml").read_text()
    assert "_commit: v1.2.0\n" in (clone / ".copier-answers.yml").read_text()
    assert git(clone, "describe").strip() == "v1.2.0"
    assert git(clone, "status", "--porcelain") == ""


def test_the_changelog_has_what_was_written_or_else_the_commits(clone: Path) -> None:
    changelog = clone / "CHANGELOG.md"
    changelog.write_text("# Changelog\n\nFor readers.\n\n## Unreleased\n\n- Tides are read.\n")
    git(clone, "commit", "--quiet", "--all", "--message", "Read tides")
    assert release(clone, "1.2.0").returncode == 0
    git(clone, "commit", "--quiet", "--allow-empty", "--message", "Read winds")
    assert release(clone, "1.3.0").returncode == 0
    head, later, first = re.split(r"(?m)^## ", changelog.read_text())
    assert head == "# Changelog\n\nFor readers.\n\n"
    assert re.fullmatch(r"1\.3\.0 \([\d-]+\)\n\n- Read winds\n\n", later)
    assert re.fullmatch(r"1\.2\.0 \([\d-]+\)\n\n- Tides are read\.\n", first)


@pytest.mark.parametrize(
    ("version", "reason"),
    [("1.2", "no version"), ("0.0.9", "not newer"), (RELEASE[1:], "already")],
)
def test_what_is_no_next_version_is_refused(clone: Path, version: str, reason: str) -> None:
    done = release(clone, version)
    assert done.returncode == 1
    assert reason in done.stderr
    assert git(clone, "status", "--porcelain") == ""
