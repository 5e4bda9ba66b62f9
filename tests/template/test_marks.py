"""Lines of modules in files that everybody has: copier has to know each file, and every mark."""

import re

from scripts.drop import MODULES
from tests.stack import ROOT

from .conftest import files, git

MARKED = rf"(#|<!--) \[/?({'|'.join([*MODULES, 'template'])})\]"


def test_every_file_with_marks_is_shared() -> None:
    settings = (ROOT / "copier.yml").read_text(encoding="utf-8")
    shared = re.findall(r"(?m)^    - (\S+)$", settings.partition("\nshared:")[2])
    marked = git(ROOT, "grep", "--untracked", "-lE", MARKED).splitlines()
    assert sorted(set(marked) - {"scripts/drop.py"}) == sorted(shared)


def test_every_mark_is_closed_and_no_file_that_is_run_is_shared() -> None:
    for name, content in files(ROOT).items():
        text = content[:-1].decode(errors="replace")
        alone = re.findall(rf"(?m)^[ \t]*{MARKED}(?: -->)?$", text)
        if not alone:
            continue
        lines = [line.strip() for line in text.splitlines() if re.search(MARKED, line)]
        for module in {module for _, module in alone}:
            ends = sum(f"[/{module}]" in line for line in lines)
            begins = sum(bool(re.match(rf"(#|<!--) \[{module}\]", line)) for line in lines)
            assert begins == ends, f"{name}: {module}"
        assert content[-1] == 0, f"copier would write {name} without its executable bit"
