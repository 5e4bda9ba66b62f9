"""What the README says works: its links, its targets, and the job it adds."""

import re
from pathlib import Path

import pytest

from tests.stack import ROOT
from tests.test_removal import copy_of_the_tree, run

DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)|(?:src|srcset)=\"([^\"]+)\"", text)
    own = {a or b for a, b in targets if not (a or b).startswith("http")}
    assert {target for target in own if not (document.parent / target).exists()} == set()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_targets_of_make_exist(document: Path) -> None:
    named = set(re.findall(r"(?m)(?:^|`|[A-Z]=\S+ )make ([a-z][a-z-]*)", document.read_text()))
    files = [ROOT / "Makefile", *ROOT.glob("scripts/*.mk")]
    known = {name for file in files for name in re.findall(r"(?m)^([a-z-]+):", file.read_text())}
    if document.parent.name == "decisions":  # a project has those of its template
        known.add("new")
    assert named <= known


@pytest.mark.slow
@pytest.mark.timeout(200)
def test_the_job_of_the_readme_works(tmp_path: Path) -> None:
    tree = copy_of_the_tree(tmp_path / "tree")
    blocks = re.findall(
        r"```python\n# (\S+)\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL
    )
    assert len(blocks) == 3
    for name, code in blocks:
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(code)
        (path.parent / "__init__.py").touch()
    run(tree, "ruff", "check", "backend_django/lines")
    test = tree / "tests" / "test_lines.py"
    test.write_text(JOB_TEST)
    assert "1 passed" in run(tree, "pytest", "-q", "-p", "no:cacheprovider", str(test))


JOB_TEST = """
def test_lines(api):
    request = api.create("lines", b"one\\ntwo\\n")
    assert api.wait("lines", request["id"])["status"] == "completed"
    assert api.get(f"lines/results/{request['id']}/").json() == {"lines": 2}
"""
