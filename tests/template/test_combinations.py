"""`make test-template`: every combination of parts, its suite and its page. Long; for CI."""

from itertools import chain, combinations
from pathlib import Path

import pytest

from scripts.drop import PARTS
from tests.stack import ROOT
from tests.tree import run

from .conftest import RELEASE, commit, copier, git, lend_tools

pytestmark = [pytest.mark.template, pytest.mark.timeout(1800)]
COMBINATIONS = list(chain.from_iterable(combinations(PARTS, n) for n in range(len(PARTS) + 1)))


@pytest.mark.parametrize("without", COMBINATIONS, ids=lambda names: "+".join(names) or "all")
def test_suite_and_page(released: Path, tmp_path: Path, without: tuple[str, ...]) -> None:
    project = tmp_path / "river"
    data = ["--data=name=River Watch", f"--data=without=[{','.join(without)}]"]
    copier("copy", "--quiet", "--defaults", f"--vcs-ref={RELEASE}", *data, released, project)
    git(project, "init", "--quiet", "--initial-branch=main")
    commit(project, "Start")
    lend_tools(project)
    modules = project / "frontend_vue" / "node_modules"
    modules.symlink_to(ROOT / "frontend_vue" / "node_modules")
    for script in ("check", "lint", "build", "test"):
        run(project, "scripts.node", "npm", "run", "--silent", script)
    run(project, "ruff", "check", ".")
    run(project, "mypy")
    assert " passed" in run(project, "pytest", "-q", "-p", "no:cacheprovider", "-m", "not slow")
