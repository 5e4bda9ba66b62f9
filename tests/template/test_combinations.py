"""`make test-template`: projects without parts, their rules, their suites and their pages. For CI.

Without each one, and without all of them: so for every two parts all four cases are there, with
`make test`, which runs with all of them. A default project is this repository, byte for byte.
"""

from pathlib import Path

import pytest

from scripts.drop import PARTS
from tests.stack import ROOT
from tests.tree import run

from .conftest import RELEASE, commit, copier, git, lend_tools
from .test_drop import speaking

pytestmark = [pytest.mark.template, pytest.mark.timeout(1800)]
COMBINATIONS = [*((part,) for part in PARTS), tuple(PARTS)]


@pytest.mark.parametrize("without", COMBINATIONS, ids="+".join)
def test_rules_suite_and_page(released: Path, tmp_path: Path, without: tuple[str, ...]) -> None:
    project = tmp_path / "river"
    data = ["--data=name=River Watch", f"--data=without=[{','.join(without)}]"]
    copier("copy", "--quiet", "--defaults", f"--vcs-ref={RELEASE}", *data, released, project)
    git(project, "init", "--quiet", "--initial-branch=main")
    commit(project, "Start")
    lend_tools(project)
    modules = project / "frontend_vue" / "node_modules"
    modules.symlink_to(ROOT / "frontend_vue" / "node_modules")
    run(project, "scripts.schema")
    lock = "frontend_vue/package-lock.json"  # the set-up makes it anew
    for part in without:
        assert {line for line in speaking(project, part) if not line.startswith(lock)} == set()
    for script in ("format:check", "check", "lint", "build", "test"):
        run(project, "scripts.node", "npm", "run", "--silent", script)
    run(project, "ruff", "check", ".")
    run(project, "ruff", "format", "--check", ".")
    run(project, "mypy")
    if len(without) == len(PARTS):  # a part has a lock of its own: the others are the same without
        run(project, "scripts.lock", "--check")
    # with the Django check, the migrations, the document and the settings page among it
    assert " passed" in run(project, "pytest", "-q", "-p", "no:cacheprovider", "-m", "not slow")
