"""The documentation as a site, and the page of settings that is written from the code."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from scripts import settings_reference
from scripts.environment import ROOT
from tests.image.guide import files

DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCED = re.compile(r"(?m)^(?P<before>.*)\n+```(?P<kind>\S*)[^\n]*\n(?P<code>(?:.*\n)*?)```$")
KINDS = {"sh", "text", "python", "diff", "{toctree}", "{mermaid}"}
PROGRAMS = r"make|npm|npx|git|docker|\S*manage\.py|python3?|pre-commit|copier|rm|pip|uv|celery|curl"
ENVIRONMENT = re.compile(r"^([A-Z_]+=\S+ )+")
TEST = re.compile(r"(?<![\w/])tests/[\w/]+\.py::(?P<name>\w+)")
OF_THE_TEMPLATE = {"make new", "make test-template"}  # by tests/template; not in a project


def test_settings_page_says_what_the_settings_say() -> None:
    for target, text in settings_reference.pages().items():
        assert target.read_text(encoding="utf-8") == text


def test_a_variable_without_a_word_about_it_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "concern.py"
    source.write_text('"""Mail."""\nHOST = env("MAIL_HOST", default="")\n')
    monkeypatch.setattr(settings_reference, "ROOT", tmp_path)
    with pytest.raises(SystemExit, match="write a comment above what reads MAIL_HOST"):
        settings_reference.page("", [source])


@pytest.mark.slow
def test_the_site_builds_and_has_every_page(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sphinx", "--fail-on-warning", "--nitpicky", "--quiet"]
    done = subprocess.run(
        [*command, ROOT / "docs", tmp_path / "site"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    for page in (ROOT / "docs").glob("*.md"):
        assert (tmp_path / "site" / f"{page.stem}.html").exists(), page
    text = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    assert not re.search(r'(?:src|href)="https?://(?!github|pradyunsg|www\.sphinx)', text)


def known_commands() -> set[str]:
    table = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8").splitlines()
    rows = [line.split(" | ")[0] for line in table if line.startswith("| `")]
    return OF_THE_TEMPLATE | {command for row in rows for command in re.findall(r"`([^`]+)`", row)}


def is_known(command: str) -> bool:
    words = ENVIRONMENT.sub("", command).split()
    return any(" ".join(words[:count]) in known_commands() for count in range(2, len(words) + 1))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_command_is_run_by_a_test_or_says_that_it_is_not(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    blocks = list(FENCED.finditer(text))
    assert len(blocks) == text.count("\n```") / 2, "a block is not closed, or begins a list"
    assert {block["kind"] for block in blocks} <= KINDS, "a block says what it is: sh or text"
    unknown = []
    if "<!-- all run by: " not in text:
        for block in blocks:
            noted = (
                "<!-- run by: " in block["before"] or "not run by a test" in block["before"].lower()
            )
            if block["kind"] == "sh" and not noted:
                unknown += [line for line in block["code"].splitlines() if not is_known(line)]
    prose = re.findall(rf"`((?:[A-Z_]+=\S+ )*(?:{PROGRAMS}) [^`\n]+)`", FENCED.sub("", text))
    unknown += [command for command in prose if not is_known(command)]
    assert unknown == [], "docs/commands.md, or a note before the block, says which test runs it"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_tests_that_are_named_exist(document: Path) -> None:
    for named in TEST.finditer(document.read_text(encoding="utf-8")):
        path = ROOT / named[0].split("::")[0]
        if path.parent.name == "template" and not path.parent.exists():
            continue  # a project has been left without
        assert f"def {named['name']}(" in path.read_text(encoding="utf-8"), named[0]


def test_every_target_of_make_is_among_the_commands() -> None:
    targets = re.findall(r"(?m)^([a-z-]+):.*##", (ROOT / "Makefile").read_text())
    assert {f"make {target}" for target in targets} <= known_commands()


def test_the_guide_names_every_file_that_production_needs() -> None:
    text = (ROOT / "production.yml").read_text()
    mounted = set(re.findall(r"- \./(docker/[^:]+):", text))
    assert {"production.yml", *mounted} <= set(files())
    assert all((ROOT / name).is_file() for name in files())
