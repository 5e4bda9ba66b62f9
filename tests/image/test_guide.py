"""docs/deploy.md promises that its commands are run. Needs no engine."""

import re

from tests.image import guide
from tests.stack import ROOT


def test_every_block_is_run_or_says_that_it_is_not() -> None:
    text = guide.GUIDE.read_text()
    unnamed = guide.blocks().get("", [])
    assert text.count("```sh\n") == sum(map(len, guide.blocks().values()))
    for code in unnamed:
        before = text.split(f"```sh\n{code}")[0].strip().splitlines()[-1].lower()
        assert "not run by a test" in before, code


def test_every_named_block_is_used_by_a_test() -> None:
    sources = "".join(path.read_text() for path in (ROOT / "tests" / "image").glob("*.py"))
    calls = re.findall(r"\b(?:guide|commands)\(([^)]*)\)", sources)
    used = {name for call in calls for name in re.findall(r'"([a-z-]+)"', call)}
    assert used == set(guide.blocks()) - {""}
