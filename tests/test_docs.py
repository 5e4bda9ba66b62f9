"""The documentation as a site, and the page of settings that is written from the code."""

import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from scripts import settings_reference
from scripts.environment import ROOT
from tests import compose
from tests.guide import files

DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
TEST = re.compile(r"(?<![\w/])tests/[\w/]+\.py::(?P<name>\w+)")
PAGE = re.compile(r"(?<![\w/])docs/[\w/-]+\.md")
IMPORT = re.compile(r"(?m)^ *from (backend_[\w.]+) import (\([^)]*\)|.*)$")


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
    described = '"""Mail."""\n# The server.\nHOST = env("MAIL_HOST", default="")\n'
    source.write_text(described + 'PORT = env("MAIL_PORT", default="")\n')
    monkeypatch.setattr(settings_reference, "ROOT", tmp_path)
    with pytest.raises(SystemExit, match="write a comment above what reads MAIL_PORT"):
        settings_reference.page("", [source])


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ('env.int("ROOM_BYTES", default=4 * 1024**3)', "number | `4294967296` (4 GiB)"),
        ('env.int("IDLE_SECONDS", default=14 * 24 * 3600)', "number | `1209600` (14 days)"),
        ('env.list("HOSTS", default=["a", "b"])', "list, with commas | `a,b`"),
        ('env.bool("ON", default=True)', "true or false | `true`"),
        ('env("HOME", default=str(ROOT / "dist" / "a.html"))', "text | `dist/a.html`"),
        ('int(os.environ.get("THREADS", "8"))', "number | `8`"),
    ],
)
def test_a_default_is_what_may_be_written_and_no_code(tmp_path: Path, code: str, said: str) -> None:
    source = tmp_path / "concern.py"
    source.write_text(f'"""Rooms."""\n# What it is.\nVALUE = {code}\n')
    assert f" | {said} | What it is. |" in settings_reference.page("", [source])


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


LIST = ROOT / "scripts" / "modules.toml"
MODULES = LIST.read_text(encoding="utf-8") if LIST.exists() else ""


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_tests_that_are_named_exist(document: Path) -> None:
    for named in TEST.finditer(document.read_text(encoding="utf-8")):
        path = ROOT / named[0].split("::")[0]
        if not path.exists() and not (ROOT / "scripts" / "new.py").exists():
            continue  # a proof that the template has, and a project is without
        assert f"def {named['name']}(" in path.read_text(encoding="utf-8"), named[0]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_what_examples_import_exists(document: Path) -> None:
    for module, names in IMPORT.findall(document.read_text(encoding="utf-8")):
        folder = "/".join(module.split(".")[:2])
        if f'"{folder}"' in MODULES and not (ROOT / folder).exists():
            continue  # of a module that was taken away, with a page that somebody kept
        for name in re.findall(r"\w+", names):
            assert hasattr(import_module(module), name), f"{module} has no {name}"


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
