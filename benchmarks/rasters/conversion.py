"""From POST to completed against `rio cogeo create` of the same file, and how both grow."""

import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from benchmarks.measure import QUICK, Curve, Row, Section, children_of, compare, peak_memory, say
from benchmarks.product import Product
from benchmarks.rasters import files
from tests.stack import Api

ROUNDS = 1 if QUICK else 3
RGB, FLOAT = (1024, 1200) if QUICK else (8192, 10_000)  # pixels a side
GROWTH = (512, 1024) if QUICK else (2000, 8000, 16_000, 30_000)
MOST_SECONDS = 1800.0
RIO = Path(sys.executable).with_name("rio")
BASELINE = "`rio cogeo create`"


class Cost(NamedTuple):
    seconds: float
    megabytes: float  # resident, of the largest process at its peak


def measure(product: Product) -> list[Section]:
    """Compare time and memory for two rasters, then along the sides of GROWTH."""
    worker = product.worker(1)
    rows: list[Row] = []
    curves = []
    with product.stack.client() as api:
        api.timeout = MOST_SECONDS
        for side, kind in ((RGB, "rgb"), (FLOAT, "float32")):
            ours, theirs = zip(*pairs(product, api, worker, side, kind, ROUNDS), strict=True)
            name = f"{side:,}² {'RGB' if kind == 'rgb' else kind}"
            for what, unit, number in (("POST → completed", "s", 0), ("peak memory", "MB", 1)):
                mine, base = ([cost[number] for cost in costs] for costs in (ours, theirs))
                rows.append(compare(f"{name}: {what}", mine, BASELINE, base, unit, "≤ 1"))
        grown = [pairs(product, api, worker, side, "rgb", 1)[0] for side in GROWTH]
        for number, (name, label) in enumerate((("seconds", "seconds"), ("memory", "MB"))):
            lines = {
                "POST → completed" if number == 0 else "largest process of the job": [
                    ours[number] for ours, _ in grown
                ],
                "rio cogeo create": [theirs[number] for _, theirs in grown],
            }
            title = ("Time", "Peak memory")[number] + " for an RGB raster"
            sides = list(map(float, GROWTH))
            curves.append(Curve(name, title, "pixels a side", label, sides, lines))
    return [Section("conversion", rows), Section("growth", curves=curves)]


def pairs(
    product: Product, api: Api, worker: int, side: int, kind: str, count: int
) -> list[tuple[Cost, Cost]]:
    """Return what a request and the program cost for one raster, in turn."""
    source = files.make(product.directory / f"{kind}-{side}.tif", side, kind)
    found = []
    try:
        for number in range(count):
            if number % 2:
                theirs, ours = program(source), request(api, worker, source)
            else:
                ours, theirs = request(api, worker, source), program(source)
            say(f"  {source.name}: {ours.seconds:.1f} s, {ours.megabytes:.0f} MB;"
                f" rio {theirs.seconds:.1f} s, {theirs.megabytes:.0f} MB")  # fmt: skip
            found.append((ours, theirs))
    finally:
        source.unlink()
    return found


def request(api: Api, worker: int, source: Path) -> Cost:
    """Upload a file with the default options; the time until its status says that it is done."""
    began, peak = time.monotonic(), 0
    with source.open("rb") as content:
        answer = api.post("rasters/create/", files={"file": (source.name, content)})
    assert answer.status_code == 201, answer.text
    number = answer.json()["id"]
    while True:
        peak = max([peak, *map(peak_memory, children_of(worker))])
        state = api.status("rasters", number)
        if state["finished_at"]:
            break
        assert time.monotonic() - began < MOST_SECONDS, state
        time.sleep(0.05)
    seconds = time.monotonic() - began
    assert state["status"] == "completed", state
    assert api.delete(f"rasters/delete/{number}/").status_code == 204
    return Cost(seconds, peak / 1e6)


def program(source: Path) -> Cost:
    """Convert the same file with the program that people would use, with its defaults."""
    target = source.with_suffix(".cog.tif")
    began = time.monotonic()
    command = [str(RIO), "cogeo", "create", "--quiet", str(source), str(target)]
    process, peak = subprocess.Popen(command), 0
    while process.poll() is None:
        peak = max(peak, peak_memory(process.pid))
        time.sleep(0.02)
    seconds = time.monotonic() - began
    assert process.returncode == 0, f"rio ended with {process.returncode}"
    target.unlink()
    return Cost(seconds, peak / 1e6)
