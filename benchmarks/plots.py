"""Draw the plots of measured figures beside them: `plots.py measured.json`, run by report.py.

It runs where matplotlib is (requirements/bench.txt), so it imports nothing of this project.
"""

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
    """One bar a row, as long as its ratio; a line where both are equal."""
    figure, axes = _begin("Ours, as a multiple of the baseline", height=0.9 + 0.42 * len(rows))
    names = [f"{row['what']}\n× {row['baseline'].strip('`')}" for row in rows]
    bars = axes.barh(names, [row["ratio"] for row in rows], color=COLOURS[0], height=0.6)
    axes.bar_label(bars, [f" {row['ratio']:.2g}" for row in rows], color=INK)
    axes.axvline(1, color=COLOURS[1], linewidth=1.5)
    axes.set_xscale("log")
    axes.invert_yaxis()
    axes.minorticks_off()
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.tick_params(axis="y", labelsize=8)
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
