"""The documentation as a site, and the page of settings that is written from the code."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from scripts import settings_reference
from scripts.environment import ROOT
from tests import compose
from tests.guide import files

DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
TEST = re.compile(r"(?<![\w/])tests/[\w/]+\.py::(?P<name>\w+)")
PAGE = re.compile(r"(?<![\w/])docs/[\w/-]+\.md")


def test_settings_page_says_what_the_settings_say() -> None:
    stale = [
        target.name
        for target, text in settings_reference.pages().items()
        if not target.exists() or target.read_text(encoding="utf-8") != text
    ]
    assert stale == [], "`make docs` writes them"


def test_a_variable_without_a_word_about_it_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "concern.py"
    source.write_text('"""Mail."""\nHOST = env("MAIL_HOST", default="")\n')
    monkeypatch.setattr(settings_reference, "ROOT", tmp_path)
    with pytest.raises(SystemExit, match="write a comment above what reads MAIL_HOST"):
        settings_reference.page("", [source])


@pytest.mark.matrix
@pytest.mark.slow
def test_the_site_builds_and_has_every_page(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sphinx", "--fail-on-warning", "--nitpicky", "--quiet"]
    done = subprocess.run(
        [*command, ROOT / "docs", tmp_path / "site"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    for page in (ROOT / "docs").glob("*.md"):
        assert (tmp_path / "site" / f"{page.stem}.html").exists(), page
    assert "tutori" in (tmp_path / "site" / "searchindex.js").read_text(), "it can be searched"
    text = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    assert not re.search(r'(?:src|href)="https?://(?!github|pradyunsg|www\.sphinx)', text)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_tests_that_are_named_exist(document: Path) -> None:
    for named in TEST.finditer(document.read_text(encoding="utf-8")):
        path = ROOT / named[0].split("::")[0]
        if not path.exists() and not (ROOT / "scripts" / "new.py").exists():
            continue  # a proof that the template has, and a project is without
        assert f"def {named['name']}(" in path.read_text(encoding="utf-8"), named[0]


def test_pages_that_sources_name_exist() -> None:
    folders = [ROOT / "deploy", ROOT / "docker", ROOT / "scripts", *ROOT.glob("backend_*")]
    kept_by_the_template = () if (ROOT / "scripts" / "new.py").exists() else ("docs/decisions/",)
    for path in (path for folder in folders for path in folder.rglob("*")):
        # modules.toml lists modules that a project may be without.
        if path.suffix in {".md", ".pyc"} or path.name == "modules.toml" or not path.is_file():
            continue
        for page in PAGE.findall(path.read_text(encoding="utf-8", errors="ignore")):
            exists = (ROOT / page).exists() or page.startswith(kept_by_the_template)
            assert exists, f"{path.relative_to(ROOT)} names {page}"


def test_the_guide_names_every_file_that_production_needs() -> None:
    read = compose.files("production.yml")
    mounted = [name for path in read for name in re.findall(r"- \./(\w[^:]+):", path.read_text())]
    assert mounted
    copied = [ROOT / name for name in files()]
    for path in [*read, *map(ROOT.joinpath, mounted)]:
        assert path.exists()
        assert any(path.is_relative_to(folder) for folder in copied), path
