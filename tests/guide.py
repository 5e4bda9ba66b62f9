"""docs/deploy.md and the like as something that can be run: their commands are the tests'."""

import re
from pathlib import Path

DOCS = Path(__file__).resolve().parents[1] / "docs"
GUIDE = DOCS / "deploy.md"
PAGES = [page for page in sorted(DOCS.glob("deploy*.md")) if "run by: " in page.read_text()]
BLOCK = re.compile(r"(?:<!-- run by: (?P<name>\S+) -->\n)?```(?:sh)\n(?P<code>.*?)```", re.DOTALL)


def blocks() -> dict[str, list[str]]:
    """The shell blocks by the name that their comment gives; the others under ''."""
    found: dict[str, list[str]] = {}
    for page in PAGES:
        for match in BLOCK.finditer(page.read_text()):
            found.setdefault(match["name"] or "", []).append(match["code"])
    return found


def files() -> list[str]:
    """The files and folders that the guide says to copy to the machine."""
    (line,) = re.findall(r"Copy (.*) to the machine", GUIDE.read_text())
    return re.findall(r"`([^`]*[./][^`]*)`", line)


def commands(name: str) -> str:
    """The block of that name. Where it stands twice, it is twice the same."""
    same = set(blocks()[name])
    assert len(same) == 1, f"docs/deploy.md has different blocks called {name}"
    return same.pop()
