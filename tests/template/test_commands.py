"""Every command of the documents is run by a test: docs/commands.md says which."""

import re
from pathlib import Path

import pytest

from tests.stack import ROOT
from tests.test_docs import DOCUMENTS

FENCED = re.compile(r"(?m)^(?P<before>.*)\n+```(?P<kind>\S*)[^\n]*\n(?P<code>(?:.*\n)*?)```$")
KINDS = {"sh", "text", "python", "ts", "diff", "yaml", "{toctree}", "{mermaid}"}
PROGRAMS = r"make|npm|npx|git|docker|\S*manage\.py|python3?|pre-commit|copier|rm|pip|uv|celery|curl"
ENVIRONMENT = re.compile(r"^([A-Z_]+=\S+ )+")


def known_commands() -> set[str]:
    table = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8").splitlines()
    rows = [line.split(" | ")[0] for line in table if line.startswith("| `")]
    return {command for row in rows for command in re.findall(r"`([^`]+)`", row)}


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


def test_every_target_of_make_is_among_the_commands() -> None:
    files = [ROOT / "Makefile", *ROOT.glob("scripts/**/*.mk")]
    text = "".join(file.read_text() for file in files)
    targets = re.findall(r"(?m)^([a-z-]+):.*##", text)
    assert {f"make {target}" for target in targets} <= known_commands()
