"""Write docs/settings*.md from the code that reads the environment, and from its comments.

`make docs` and tests/test_docs.py use it. A variable is described by the comment right above the
line that reads it.
"""

import ast
import operator
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

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

Environment variables and their defaults. Each also works as a file, `NAME_FILE=/run/secrets/name`,
except those that the web process itself reads (`HOST`, `PORT`, `METRICS_PORT`, `WEB_…`). In
development `.env` is read; `.env.example` lists what you may want to set. `make docs` writes this
page from the code that reads the variables.
"""
OF_MODULE = "# Settings of a module: {}\n\nSee also [all others](settings.md).\n"
NOT_FOR_OPERATORS = {"DJANGO_SETTINGS_MODULE"}  # the image and manage.py set it
COLUMNS = "| name | kind | default | what |\n| --- | --- | --- | --- |"
# Defaults that are code, in words.
SAID = {
    "PROJECT.sender": "name and email of `project.toml`",
    "tempfile.gettempdir()": "the system's temporary folder",
    "user": "`POSTGRES_USER`",
}
OPERATORS = {ast.Mult: operator.mul, ast.Pow: operator.pow}
UNITS = {
    "BYTES": {"GiB": 1024**3, "GB": 1000**3, "MiB": 1024**2, "MB": 1000**2},
    "SECONDS": {"days": 24 * 3600, "h": 3600},
    "AGE": {"days": 24 * 3600},
}
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
    for call in sorted(calls, key=lambda node: node.lineno):
        name = call.args[0].value  # type: ignore[attr-defined]
        yield Variable(name, _kind(call), _default(call), _comment(lines, call.lineno))


def _reads(call: ast.Call) -> bool:
    wanted = ast.unparse(call.func)
    is_reader = wanted == "env" or wanted.startswith("env.") or wanted == "os.environ.get"
    first = call.args[0] if call.args else None
    is_name = isinstance(first, ast.Constant) and isinstance(first.value, str)
    return is_reader and is_name and first.value.isupper()  # type: ignore[union-attr]


def _kind(call: ast.Call) -> str:
    word = ast.unparse(call.func).removeprefix("env").strip(".")
    is_number = re.fullmatch(r"'\d+'", ast.unparse(call.args[-1]))  # of gunicorn, which reads texts
    kind = "URL" if word.endswith(("url", "db")) else "number" if is_number else "text"
    return KINDS.get(word, kind)


def _default(call: ast.Call) -> str:
    found = next((word.value for word in call.keywords if word.arg == "default"), None)
    found = found or (call.args[1] if len(call.args) > 1 else None)
    if found is None:
        return "none: it must be set" if ast.unparse(call.func).startswith("env") else "empty"
    try:
        value = _evaluate(found)
    except (KeyError, ValueError):
        code = ast.unparse(found)
        path = re.sub(r"^str\(|ROOT / |'|\)$", "", code).replace("BACKEND", "backend_django")
        return SAID.get(code, f"`{path.replace(' / ', '/')}`")
    if value in ("", []):
        return "empty"
    if isinstance(value, list | bool):
        value = ",".join(value) if isinstance(value, list) else str(value).lower()
    return f"`{value}`{_in_units(call.args[0].value, value)}"  # type: ignore[attr-defined]


def _evaluate(node: ast.expr) -> Any:
    """Return the value of a constant, or of a product of constants."""
    if isinstance(node, ast.BinOp):
        return OPERATORS[type(node.op)](_evaluate(node.left), _evaluate(node.right))
    return ast.literal_eval(node)


def _in_units(name: str, value: Any) -> str:
    """Return a size or time in the largest unit of which it is a multiple; nothing for others."""
    units = UNITS.get(name.rpartition("_")[2], {}) if isinstance(value, int) else {}
    fitting = [(value // size, unit) for unit, size in units.items() if value and value % size == 0]
    return f" ({fitting[0][0]} {fitting[0][1]})".replace("(1 days)", "(1 day)") if fitting else ""


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
    parts, known = [head.rstrip()], set(NOT_FOR_OPERATORS)
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
