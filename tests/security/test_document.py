"""docs/security.md names a test for each thing that is defended, and the tests are there."""

import re

import pytest

from tests.stack import ROOT

PAGE = ROOT / "docs" / "security.md"
ROW = re.compile(r"^\| (S\d+) \| (.+?) \| (.+) \|$", re.MULTILINE)
TEST = re.compile(r"`([\w./]+\.py)::(\w+)`")
ROWS: dict[str, str] = {}
for match in ROW.finditer(PAGE.read_text(encoding="utf-8")):
    ROWS[match[1]] = ROWS.get(match[1], "") + match[3]


def test_everything_that_was_asked_for_is_in_the_table() -> None:
    assert list(ROWS) == [f"S{number}" for number in range(1, 20)]


@pytest.mark.parametrize("row", ROWS)
def test_named_tests_are_there(row: str) -> None:
    named = TEST.findall(ROWS[row])
    assert named, f"{row} names no test"
    for file, name in named:
        path = ROOT / file
        feature = ROOT.joinpath(*path.relative_to(ROOT).parts[:2])
        if file.startswith("backend_django/") and not feature.is_dir():
            continue  # removed, with its folder
        if not path.exists() and not (ROOT / "scripts" / "new.py").exists():
            continue  # a proof that the template has, and a project is without
        assert path.is_file(), file
        assert f"def {name}(" in path.read_text(encoding="utf-8"), f"{file} has no {name}"
