"""What the documents name is there: their links and their targets."""

import re
from pathlib import Path

import pytest

from tests.stack import ROOT

DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)|(?:src|srcset)=\"([^\"]+)\"", text)
    own = {a or b for a, b in targets if not (a or b).startswith("http")}
    assert {target for target in own if not (document.parent / target).exists()} == set()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_targets_of_make_exist(document: Path) -> None:
    named = set(re.findall(r"(?m)(?:^|`|[A-Z]=\S+ )make ([a-z][a-z-]*)", document.read_text()))
    files = [ROOT / "Makefile", *ROOT.glob("scripts/**/*.mk"), *ROOT.glob("backend_django/*/*.mk")]
    known = {name for file in files for name in re.findall(r"(?m)^([a-z-]+):", file.read_text())}
    assert named <= known
