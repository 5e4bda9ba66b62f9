"""docs/deploy.md and its like promise that their commands are run. Needs no engine."""

import re
import shutil
import subprocess
from pathlib import Path

from tests import compose, guide
from tests.stack import ROOT


def test_every_block_is_run_or_says_that_it_is_not() -> None:
    text = "".join(page.read_text() for page in guide.PAGES)
    unnamed = guide.blocks().get("", [])
    assert text.count("```sh\n") == sum(map(len, guide.blocks().values()))
    for code in unnamed:
        before = text.split(f"```sh\n{code}")[0].strip().splitlines()[-1].lower()
        assert "not run by a test" in before, code


def test_every_named_block_is_used_by_a_test() -> None:
    sources = "".join(path.read_text() for path in (ROOT / "tests" / "image").rglob("*.py"))
    calls = re.findall(r"\b(?:guide\(|commands\(|UPGRADE = )([^)\n]*)", sources)
    used = {name for call in calls for name in re.findall(r'"([a-z-]+)"', call)}
    assert used == set(guide.blocks()) - {""}


def test_every_secret_of_production_is_made(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "docker", tmp_path / "docker")
    subprocess.run(
        ["bash", "-euo", "pipefail", "-c", guide.commands("secrets")], cwd=tmp_path, check=True
    )
    made = {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()}
    assert set(compose.read("production.yml")["secrets"]) <= set(made)
    assert len(set(made.values())) == len(made)
    assert all(len(secret) == 64 for secret in made.values())
