"""Draw the plots of measured figures beside them: `plots.py measured.json`, run by report.py.

It runs where matplotlib is (requirements/bench.txt), so it imports nothing of this project.
"""

# mypy: disable-error-code="import-not-found"

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")
mpl.rcParams |= {
    "svg.hashsalt": "bench",  # the same figures make the same file
    "svg.fonttype": "path",
    "font.size": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
}

import matplotlib.pyplot as plt  # noqa: E402
from matplotlib.ticker import FuncFormatter  # noqa: E402

# On white and on black pages alike.
INK, COLOURS = "#6b7280", ("#0d9488", "#d97706", "#6366f1")
TICKS = [step * 10**power for power in range(-3, 4) for step in (1, 2, 5)]
THOUSANDS = FuncFormatter(lambda value, _: f"{value:,.0f}")


def draw_curve(curve: dict[str, Any], path: Path) -> None:
    figure, axes = _begin(curve["title"])
    for (name, values), colour in zip(curve["lines"].items(), COLOURS, strict=False):
        axes.plot(curve["x"], values, marker="o", color=colour, linewidth=2, label=name)
    if curve["is_log"]:
        axes.set_xscale("log")
    axes.set_xticks(curve["x"])
    axes.minorticks_off()
    axes.xaxis.set_major_formatter(THOUSANDS)
    axes.yaxis.set_major_formatter(THOUSANDS)
    axes.set_ylim(bottom=0)
    axes.set_xlabel(curve["x_label"])
    axes.set_ylabel(curve["y_label"])
    axes.legend(frameon=False, labelcolor=INK)
    _save(figure, path)


def draw_ratios(rows: list[dict[str, Any]], path: Path) -> None:
    """A point for each row at its ratio, with a stem from where both are equal."""
    figure, axes = _begin("Ours ÷ baseline", height=1.0 + 0.42 * len(rows))
    for place, row in enumerate(rows):
        axes.plot([1, row["ratio"]], [place, place], color=COLOURS[0], linewidth=3)
        axes.plot(row["ratio"], place, marker="o", markersize=9, color=COLOURS[0])
        below = row["ratio"] < 1
        axes.annotate(
            f"{row['ratio']:.2g}", (row["ratio"], place), xytext=(-10 if below else 10, 0),
            textcoords="offset points", va="center", ha="right" if below else "left", color=INK,
        )  # fmt: skip
    labels = [
        f"{row['what']}\n÷ {row['baseline'].strip('`')}"
        + (f", goal {row['goal']}" if row["goal"] else "")
        for row in rows
    ]
    axes.set_yticks(range(len(rows)), labels, fontsize=8)
    axes.axvline(1, color=COLOURS[1], linewidth=1.5, zorder=0)
    axes.set_xscale("log")
    axes.margins(x=0.15)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.minorticks_off()
    low, high = axes.get_xlim()
    axes.set_xticks([tick for tick in TICKS if low <= tick <= high])
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    _save(figure, path)


def _begin(title: str, height: float = 3.6) -> tuple[Any, Any]:
    figure, axes = plt.subplots(figsize=(7.2, height), layout="constrained")
    axes.set_title(title, color=INK, loc="left")
    axes.tick_params(colors=INK, which="both")
    axes.xaxis.label.set_color(INK)
    axes.yaxis.label.set_color(INK)
    for spine in axes.spines.values():
        spine.set_color(INK)
    return figure, axes


def _save(figure: Any, path: Path) -> None:
    figure.savefig(path, transparent=True, metadata={"Date": None, "Creator": None})
    plt.close(figure)


def main() -> None:
    measured = Path(sys.argv[1])
    sections = json.loads(measured.read_text(encoding="utf-8"))
    for section in sections.values():
        for curve in section["curves"]:
            draw_curve(curve, measured.with_name(f"{curve['name']}.svg"))
    rows = [row for section in sections.values() for row in section["rows"]]
    if rows:
        draw_ratios(rows, measured.with_name("ratios.svg"))


if __name__ == "__main__":
    main()
