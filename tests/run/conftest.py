"""Tests of `make run` and its parts: real processes, in temporary folders."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.processes import is_alive
from tests.stack import ROOT

LEFT_OUT = {".git", ".venv", ".cache", ".data", ".env", "node_modules", "__pycache__"}


@pytest.fixture
def bare_environment(tmp_path: Path) -> dict[str, str]:
    """What a fresh machine has: a PATH and an empty home, nothing of this test run."""
    home = tmp_path / "home"
    home.mkdir()
    return {"PATH": os.environ["PATH"], "HOME": str(home)}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sources, with the built page but no settings and no data of the developer."""
    target = tmp_path_factory.mktemp("checkout") / "copy"
    shutil.copytree(ROOT, target, ignore=lambda _, names: LEFT_OUT.intersection(names))
    return target


@pytest.fixture
def family() -> Callable[[str], list[int]]:
    """Ids of the live processes that have `mark` in their environment, however they came to be."""

    def look(mark: str) -> list[int]:
        found = []
        for entry in Path("/proc").glob("[0-9]*/environ"):
            try:
                environment = entry.read_bytes()
            except OSError:
                continue
            if mark.encode() in environment and is_alive(int(entry.parent.name)):
                found.append(int(entry.parent.name))
        return found

    return look
