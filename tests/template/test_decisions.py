"""Each decision has its date and status, and is in the list."""

import re
from pathlib import Path

import pytest

from tests.stack import ROOT

FOLDER = ROOT / "docs" / "decisions"
PAGES = sorted(FOLDER.glob("0*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_it_has_a_date_and_a_status(page: Path) -> None:
    line = page.read_text(encoding="utf-8").splitlines()[2]
    assert re.match(r"\d{4}-\d\d-\d\d · (proposed|accepted|replaced by \[)", line), line


def test_each_is_in_the_list() -> None:
    listed = re.findall(r"\]\((0[^)]*\.md)\)", (FOLDER / "README.md").read_text(encoding="utf-8"))
    assert listed == [page.name for page in PAGES]
