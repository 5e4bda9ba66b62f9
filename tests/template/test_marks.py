"""Lines of modules in files that everybody has: every mark has its end."""

import re

from scripts.drop import MODULES
from tests.stack import ROOT

from .conftest import files

MARKED = rf"(#|<!--) \[/?({'|'.join([*MODULES, 'template'])})\]"


def test_every_mark_is_closed() -> None:
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
