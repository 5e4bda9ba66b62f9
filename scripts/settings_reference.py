"""Write docs/settings*.md from the code that reads the environment, and from its comments.

`make docs` and tests/test_docs.py use it. A variable is described by the comment right above the
line that reads it; one in the next line shares it.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from scripts.environment import ROOT

CONFIG = ROOT / "backend_django" / "config"
SOURCES = [
    *sorted((CONFIG / "settings" / "concerns").glob("*.py")),
    CONFIG / "settings" / "production.py",
    CONFIG / "gunicorn.py",
    ROOT / "backend_django" / "server" / "limits.py",
    ROOT / "docker" / "production" / "django" / "entrypoint",
]
TARGET = ROOT / "docs" / "settings.md"
HEAD = """# Settings

What the environment may say, and what is so when it says nothing. Every name also works as
`NAME_FILE=/run/secrets/name`. In development `.env` is read; `.env.example` lists what a developer
may set. This page is written by `make docs` from the code that reads the variables.
"""
OF_MODULE = "# Settings of a module: {}\n\nAs [all others](settings.md).\n"
NOT_FOR_OPERATORS = {"DJANGO_SETTINGS_MODULE"}  # the image and manage.py set it
COLUMNS = "| name | kind | default | what |\n| --- | --- | --- | --- |"
KINDS = {"int": "number", "float": "number", "bool": "true or false", "list": "list, with commas"}


class Variable(NamedTuple):
    name: str
    kind: str
    default: str
    description: str


def variables(path: Path) -> Iterator[Variable]:
    """Give every variable that a file reads, in its order."""
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    tree = ast.parse(text)
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _reads(node)]
    described: dict[int, str] = {}  # line number -> what stands there
    for call in sorted(calls, key=lambda node: node.lineno):
        name = call.args[0].value  # type: ignore[attr-defined]
        before = described.get(call.lineno) or described.get(call.lineno - 1, "")
        described[call.lineno] = description = _comment(lines, call.lineno) or before
        yield Variable(name, _kind(call), _default(call), description)


def _reads(call: ast.Call) -> bool:
    wanted = ast.unparse(call.func)
    is_reader = wanted == "env" or wanted.startswith("env.") or wanted == "os.environ.get"
    first = call.args[0] if call.args else None
    is_name = isinstance(first, ast.Constant) and isinstance(first.value, str)
    return is_reader and is_name and first.value.isupper()  # type: ignore[union-attr]


def _kind(call: ast.Call) -> str:
    word = ast.unparse(call.func).removeprefix("env").strip(".")
    return KINDS.get(word, "URL" if word.endswith(("url", "db")) else "text")


def _default(call: ast.Call) -> str:
    found = next((word.value for word in call.keywords if word.arg == "default"), None)
    found = found or (call.args[1] if len(call.args) > 1 else None)
    if found is None:
        return "none: it must be set" if ast.unparse(call.func).startswith("env") else "empty"
    try:
        value = ast.literal_eval(found)
    except ValueError:
        return f"`{ast.unparse(found)}`"
    return f"`{value}`" if value not in ("", []) else "empty"


def _comment(lines: list[str], number: int) -> str:
    """Return the comment right above a line."""
    found: list[str] = []
    for line in reversed(lines[: number - 1]):
        if not line.lstrip().startswith("#"):
            break
        found.insert(0, line.lstrip("# "))
    return " ".join(found)


def pages() -> dict[Path, str]:
    """Return the pages: that of the core, and one for each module that has settings."""
    found = {TARGET: page(HEAD, SOURCES)}
    for path in sorted((ROOT / "backend_django").glob("*/configure.py")):
        name = path.parent.name
        if any(variables(path)):
            found[TARGET.with_stem(f"settings-{name}")] = page(OF_MODULE.format(name), [path])
    return found


def page(head: str, sources: list[Path]) -> str:
    """Return one page."""
    parts, known = [head], set(NOT_FOR_OPERATORS)
    for path in sources:
        rows = [row for row in variables(path) if row.name not in known]
        known |= {row.name for row in rows}
        if not rows:
            continue
        undescribed = [row.name for row in rows if not row.description]
        if undescribed:
            where = path.relative_to(ROOT)
            raise SystemExit(f"{where}: write a comment above what reads {', '.join(undescribed)}")
        title = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        heading = re.split(r"[.:(]", title, maxsplit=1)[0].strip()
        parts.append(f"\n## {heading}\n\n{COLUMNS}")
        parts += [
            f"| `{row.name}` | {row.kind} | {row.default} | {row.description} |".replace("\n", " ")
            for row in rows
        ]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    for target, text in pages().items():
        target.write_text(text, encoding="utf-8")
