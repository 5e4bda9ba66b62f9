"""`make bench`: measures the product beside what people would use instead, in one run.

    make bench                      everything: about fifty minutes on two quiet cores
    make bench ARGS="polls tiles"   these parts; the others' figures stay as they are
    BENCH_QUICK=1 make bench        shows that it works, in some minutes; writes below .cache/bench

Each figure is a ratio to a baseline measured in the same run on the same machine; the rounds of
both alternate and the median counts. Writes docs/performance.md, its plots and the figures.
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import calls, lifecycle, lists, polls, report, seen, streams, suites, table, tools
from benchmarks.measure import QUICK, Section, machine, say
from benchmarks.product import Product, product_alone
from scripts.binaries import ServiceError, find_postgres, find_valkey
from scripts.environment import ROOT

Measure = Callable[[Product], Any]
FREE_BYTES = 12 << 30  # the largest upload, what comes of it, and what is compared with it


CORE = {
    "lifecycle": lifecycle.measure,
    "seen": seen.measure,
    "polls": polls.measure,
    "calls": calls.measure,
    "streams": streams.measure,
    "table": table.measure,
    "lists": lists.measure,
}


def main() -> int:
    found = suites()
    parts: dict[str, tuple[str, Measure]] = {name: ("core", part) for name, part in CORE.items()}
    for suite, module in found.items():
        parts |= {name: (suite, part) for name, part in module.PARTS.items()}
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(parts)}")
    chosen = parser.parse_args().parts or list(parts)
    if unknown := set(chosen) - set(parts):
        print(f"There is no part {unknown.pop()}: {', '.join(parts)}", file=sys.stderr)
        return 2
    try:
        tools.install()
        tools.has("asyncpg", "fastapi", "matplotlib", "uvicorn")
        find_postgres()
        find_valkey()
        for module in found.values():
            module.check()
        place = Path(tempfile.gettempdir())
        if not QUICK and shutil.disk_usage(place).free < FREE_BYTES:
            raise tools.ToolError(f"12 GB must be free in {place}")
    except (tools.ToolError, ServiceError) as error:
        print(f"Nothing was measured: {error}", file=sys.stderr)
        return 1
    began = time.monotonic()
    for name, (suite, part) in parts.items():
        if name in chosen:
            say(f"{name}:")
            publish(suite, measure(part))
    where = tools.FOLDER / "quick" / "docs" if QUICK else ROOT / "docs"
    say(f"{time.monotonic() - began:.0f} s; written to {where}/performance.md")
    return 0


def measure(part: Measure) -> list[Section]:
    """Measure one part on servers of its own, with nothing in them."""
    with product_alone() as product:
        try:
            found = part(product)
        except BaseException:
            for log in product.stack.logs():
                print(f"--- {log.name}\n{log.read_text()[-2000:]}", file=sys.stderr)
            raise
    return found if isinstance(found, list) else [found]


def publish(suite: str, sections: list[Section]) -> None:
    place = tools.FOLDER / "quick" if QUICK else ROOT
    when = datetime.now(UTC).date().isoformat()
    report.write(suite, sections, place, when=when, machine=machine())


if __name__ == "__main__":
    sys.exit(main())
