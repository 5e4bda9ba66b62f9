"""`make test-template`: projects without modules, their rules, suites and pages. For CI.

Projects without one module, without two, with one alone and with none are made and are whole: what
two modules have in common is in files of one of them, or in a line that names files of both. The
suite and the page of a project take minutes: they are run without each module and without all, so
that for every two modules all four cases are there with `make test`, which has all of them;
`EVERY_SUITE=1` runs those of every choice. A default project is this repository, byte for byte.
"""

import itertools
import os
from pathlib import Path

import pytest

from tests.stack import ROOT
from tests.tree import run

from .conftest import MODULES, commit, lend_tools, made_of
from .test_drop import speaking

pytestmark = [pytest.mark.template, pytest.mark.timeout(1800)]
EVERY = [
    chosen
    for count in (1, 2, len(MODULES) - 1, len(MODULES))
    for chosen in itertools.combinations(MODULES, count)
    if all({*MODULES[name].needs}.isdisjoint(chosen) for name in MODULES if name not in chosen)
]
SUITES = (
    EVERY if os.environ.get("EVERY_SUITE") else [c for c in EVERY if len(c) in {1, len(MODULES)}]
)


def made_without(released: Path, project: Path, without: tuple[str, ...]) -> Path:
    """A project without modules, with the files that its set-up generates."""
    made_of(released, project, *without)
    commit(project, "Start")
    lend_tools(project)
    modules = project / "frontend_vue" / "node_modules"
    modules.symlink_to(ROOT / "frontend_vue" / "node_modules")
    run(project, "scripts.schema")
    return project


@pytest.mark.parametrize("without", EVERY, ids="+".join)
def test_nothing_is_left_over(released: Path, tmp_path: Path, without: tuple[str, ...]) -> None:
    project = made_without(released, tmp_path / "river", without)
    lock = "frontend_vue/package-lock.json"  # the set-up makes it anew
    for module in without:
        assert {line for line in speaking(project, module) if not line.startswith(lock)} == set()
    run(project, "ruff", "check", ".")
    run(project, "ruff", "format", "--check", ".")
    built = "--deselect=tests/pages/test_page.py::test_built_page_names_its_addresses"  # below
    pages = ("tests/test_docs.py", "tests/pages")
    run(project, "pytest", "-q", "-p", "no:cacheprovider", built, *pages)


@pytest.mark.parametrize("without", SUITES, ids="+".join)
def test_types_suite_and_page(released: Path, tmp_path: Path, without: tuple[str, ...]) -> None:
    project = made_without(released, tmp_path / "river", without)
    for script in ("format:check", "check", "lint", "build", "test"):
        run(project, "scripts.node", "npm", "run", "--silent", script)
    run(project, "mypy")
    # A module has a lock of its own: the others are the same without it.
    if len(without) == len(MODULES):
        run(project, "scripts.lock", "--check")
    # with the Django check, the migrations, the document and the settings page among it
    assert " passed" in run(project, "pytest", "-q", "-p", "no:cacheprovider", "-m", "not slow")
