"""A release of the template, and projects made from it: real git, real copier, real make."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scripts import render
from tests.stack import ROOT

RELEASE = "v0.1.0"
MODULES = render.read_modules(ROOT)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "template: makes many projects; `make test-template`")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "template" not in config.option.markexpr:
        items[:] = [item for item in items if not item.get_closest_marker("template")]


def git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=Tests", "-c", "user.email=tests@example.com"]
    done = subprocess.run(
        ["git", *who, "-c", "commit.gpgsign=false", *arguments],
        cwd=folder, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def commit(folder: Path, message: str, *, tag: str = "") -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", message)
    if tag:
        git(folder, "tag", tag)


def files(folder: Path) -> dict[str, bytes]:
    """What git would commit of a folder: contents by name, with the executable bit."""

    def content(path: Path) -> bytes:
        if path.is_symlink():
            return b"-> " + os.fsencode(os.readlink(path))
        return path.read_bytes() + bytes([os.access(path, os.X_OK)])

    names = git(folder, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    return {
        name: content(folder / name)
        for name in names.split("\0")
        if name and (folder / name).exists()
    }


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def without_home(tree: dict[str, bytes]) -> dict[str, bytes]:
    """Leave out where the template is: one way knows a folder, the other what was cloned."""
    answers = ".copier-answers.yml"
    return tree | {answers: re.sub(rb"_src_path: .*\n", b"", tree[answers])}


def lend_tools(folder: Path) -> Path:
    """Give a checkout what this one has downloaded; its own .cache is where the stamps are."""
    cache = folder / ".cache"
    (cache / "stamps").mkdir(parents=True)
    for name in ("uv", "template", "node"):
        if (ROOT / ".cache" / name).exists():
            (cache / name).symlink_to(ROOT / ".cache" / name)
    for name in ("uv", "template", "node"):
        stamp = ROOT / ".cache" / "stamps" / name
        if stamp.exists():
            shutil.copy(stamp, cache / "stamps")
    return folder


def make(folder: Path, target: str, **variables: str) -> subprocess.CompletedProcess[str]:
    given = [f"{name}={value}" for name, value in variables.items()]
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("GIT_", "DJANGO_", "PYTEST_", "MAKE"))
    }
    identity = {"GIT_AUTHOR_NAME": "Tests", "GIT_AUTHOR_EMAIL": "tests@example.com"}
    identity |= {name.replace("AUTHOR", "COMMITTER"): value for name, value in identity.items()}
    return subprocess.run(
        ["make", target, f"PYTHON={sys.executable}", *given],
        cwd=folder, env=environment | identity, capture_output=True, text=True,
    )  # fmt: skip


def copier(*arguments: str | Path) -> None:
    render.copier(*map(str, arguments))


def made_of(source: Path, target: Path, *without: str, name: str = "River Watch") -> Path:
    """A project of the release, as `make new` and `make update` write it, without a commit."""
    data = (f"--data=name={name}", f"--data=without={json.dumps(without)}")
    render.render(source, RELEASE, target, *data)
    git(target, "init", "--quiet", "--initial-branch=main")
    return target


@pytest.fixture(scope="session")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This tree as a repository of one commit, which is the release."""
    target = tmp_path_factory.mktemp("template") / "template"
    for name in files(ROOT):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target / name, follow_symlinks=False)
    git(target, "init", "--quiet", "--initial-branch=main")
    commit(target, "Release", tag=RELEASE)
    git(target, "repack", "-adq")
    return target


@pytest.fixture
def clone(released: Path, tmp_path: Path) -> Path:
    """What somebody has after `git clone`."""
    git(tmp_path, "clone", "--quiet", f"file://{released}", "river")
    return lend_tools(tmp_path / "river")


@pytest.fixture(scope="session")
def project_made(released: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project without rasters, made from the release."""
    target = made_of(released, tmp_path_factory.mktemp("made") / "river", "rasters")
    commit(target, "Start")
    return target


@pytest.fixture
def project(project_made: Path, tmp_path: Path) -> Path:
    """The same, to work on."""
    target = tmp_path / "project"
    shutil.copytree(project_made, target, symlinks=True)
    return lend_tools(target)
