"""Removing a feature is `rm -r` of its folders, and others take its place: what there is, works."""

import re
import shutil
import sys
from pathlib import Path

import pytest

from backend_django.utils.features import find_features
from tests.feature.test_generated import DOMAINS
from tests.feature.tree import Tree

PAGE = ("frontend_vue/src", "frontend_vue/src/features")
SHIPPED = sorted({path.split(".")[1] for path in find_features()})


@pytest.mark.matrix
@pytest.mark.slow
@pytest.mark.timeout(400)
def test_other_features_take_the_place_of_the_shipped_ones(tmp_path: Path) -> None:
    tree = Tree(tmp_path / "tree")
    tree.feature("expenses", "crud", DOMAINS["expenses"])  # of an example that goes as well
    for feature in SHIPPED:
        for folder in ("backend_django", *PAGE, "requirements"):
            shutil.rmtree(tree.folder / folder / feature, ignore_errors=True)
    # `make test-template` runs all tests of a tree without features.
    tree.run(sys.executable, "manage.py", "check", "--fail-level=WARNING")
    tree.node("build")

    write_job_of_the_readme(tree.folder)
    tree.feature("tallies", "job", "currency:choice(eur|usd)? due:date?")
    made = [f"backend_django/{name}" for name in ("expenses", "tallies", "lines")]
    tree.python("ruff", "check", "-q", *made)
    tree.python("ruff", "format", "-q", "--check", *made)
    tree.python("scripts.node", "node_modules/.bin/vue-tsc", "--noEmit")
    # What looks at the whole of the tree.
    whole = ["tests/api/test_contract.py", "tests/pages", "tests/security"]
    whole += sorted(str(path) for path in (tree.folder / "tests").glob("test_*.py"))
    said = tree.python("pytest", "-q", "-m", "not slow", "-p", "no:cacheprovider", *made, *whole)
    assert " passed" in said


def write_job_of_the_readme(folder: Path) -> None:
    readme = (folder / "README.md").read_text()
    blocks = re.findall(r"```python\n# (\S+)\n(.*?)```", readme, re.DOTALL)
    assert len(blocks) == 2
    for name, code in blocks:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(code)
        (path.parent / "__init__.py").touch()
    (folder / "tests" / "test_lines.py").write_text(JOB_TEST)


JOB_TEST = """
def test_lines(api):
    request = api.create("lines", b"one\\ntwo\\n")
    assert api.wait("lines", request["id"])["status"] == "completed"
    assert api.get(f"lines/results/{request['id']}/").json() == {"lines": 2}
"""
