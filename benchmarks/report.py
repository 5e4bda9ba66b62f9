"""Writes what was measured: figures as JSON, plots, and the tables of docs/performance.md."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

from benchmarks import tools
from benchmarks.measure import Section
from scripts.environment import ROOT

PAGE = "docs/performance.md"
FIGURES = "docs/images/bench"  # and a folder for each suite
HEAD = (
    "| what | ours | baseline | baseline's | ratio | goal |\n| --- | --- | --- | --- | --- | --- |"
)


def write(suite: str, sections: list[Section], place: Path, *, when: str, machine: str) -> None:
    """Put sections in the place of those of the same names, below `place` (the root, or a trial).

    The others stay as they are, with the day on which they were measured.
    """
    measured = place / FIGURES / suite / "measured.json"
    measured.parent.mkdir(parents=True, exist_ok=True)
    known: dict[str, Any] = json.loads(measured.read_text()) if measured.exists() else {}
    for section in sections:
        known[section.name] = section.to_json() | {"when": when, "machine": machine}
    measured.write_text(json.dumps(known, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    drawn = [tools.python(), str(ROOT / "benchmarks" / "plots.py"), str(measured)]
    subprocess.run(drawn, check=True)
    text = (ROOT / PAGE).read_text(encoding="utf-8")
    for path in sorted((place / FIGURES).glob("*/measured.json")):
        text = _filled(text, path.parent.name, json.loads(path.read_text(encoding="utf-8")))
    (place / PAGE).write_text(text, encoding="utf-8")


def _filled(text: str, suite: str, known: dict[str, Any]) -> str:
    """Return the page with the figures of a suite in their places."""
    images = f"images/bench/{suite}"
    if any(section["rows"] for section in known.values()):
        text = _replace(text, suite, f"![Ours beside the baselines]({images}/ratios.svg)")
    for name, section in known.items():
        text = _replace(text, name, _present(section, images))
    return text


def _replace(text: str, name: str, content: str) -> str:
    marked = rf"(?s)(<!-- bench:{name} -->\n).*?(<!-- /bench -->)"
    assert re.search(marked, text), f"docs/performance.md has no place for {name}"
    return re.sub(marked, lambda found: f"{found[1]}\n{content}\n\n{found[2]}", text)


def _present(section: dict[str, Any], images: str) -> str:
    parts = [f"Measured on {section['when']}: {section['machine']}."]
    if section["rows"]:
        parts.append("\n".join([HEAD, *map(_line, section["rows"])]))
    for curve in section["curves"]:
        parts.append(f"![{curve['title']}]({images}/{curve['name']}.svg)")
        parts.append(_table(curve))
    return "\n\n".join(parts)


def _line(row: dict[str, Any]) -> str:
    ours, theirs = (
        f"{_figure(row[who])} {row['unit']}{_cost(row, place)}"
        for place, who in enumerate(("ours", "theirs"))
    )
    ratio = f"**{row['ratio']:.2f}**"
    return f"| {row['what']} | {ours} | {row['baseline']} | {theirs} | {ratio} | {row['goal']} |"


def _cost(row: dict[str, Any], place: int) -> str:
    """Return in brackets what one cost; rows that were measured before have nothing of it."""
    cpu, statements = (row.get(name, (None, None))[place] for name in ("cpu", "statements"))
    parts = []
    if cpu is not None:
        parts.append(f"{_figure(cpu)} s CPU" if cpu >= 1 else f"{_figure(cpu * 1000)} ms CPU")
    if statements is not None and any(row["statements"]):
        parts.append(f"{_figure(round(statements, 1))} statements")
    return f" ({', '.join(parts)})" if parts else ""


def _table(curve: dict[str, Any]) -> str:
    heads = [f"{value:,.0f}" for value in curve["x"]]
    lines = [
        f"| {curve['x_label']} | {' | '.join(heads)} |",
        f"| {' | '.join(['---'] * (len(heads) + 1))} |",
    ]
    for name, values in curve["lines"].items():
        lines.append(f"| {name}, {curve['y_label']} | {' | '.join(map(_figure, values))} |")
    return "\n".join(lines)


def _figure(value: float) -> str:
    """Three digits that mean something, without powers of ten."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
