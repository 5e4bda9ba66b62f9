"""From POST to completed against `rio cogeo create` of the same file, and how both grow."""

import os
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.measure import (
    QUICK,
    Curve,
    Figure,
    Row,
    Section,
    children_of,
    compare,
    peak_memory,
    rounds,
    say,
)  # fmt: skip
from benchmarks.product import Product
from benchmarks.rasters import files
from tests.stack import Api

ROUNDS = 1 if QUICK else 3
BASELINE = "`rio cogeo create`"
FLOOR = "GDAL, decoded and encoded once, DEFLATE 1, all cores"


class Raster(NamedTuple):
    """side: in pixels; goals: of the time beside rio-cogeo's, and beside its and GDAL's best."""

    kind: str
    side: int
    goals: tuple[str, str]

    @property
    def name(self) -> str:
        kinds = {"rgb": "RGB", "uint16": "uint16 × 4"}
        return f"{self.side:,}² {kinds.get(self.kind, self.kind)}"

    def goal(self, baseline: str) -> str:
        return "" if baseline == FLOOR else self.goals[baseline != BASELINE]


RASTERS = (
    Raster("rgb", 1024 if QUICK else 8192, ("≤ 0.40", "≤ 0.65")),
    Raster("rgb", 800 if QUICK else 2000, ("≤ 0.50", "≤ 1.3")),
    Raster("rgb", 500, ("≤ 0.35", "")),
    Raster("float32", 1200 if QUICK else 10_000, ("≤ 0.45", "≤ 0.65")),
    Raster("uint16", 1024 if QUICK else 8192, ("≤ 0.45", "≤ 0.65")),
)
GROWTH = (512, 1024) if QUICK else (2000, 8000, 16_000, 30_000)
MOST_SECONDS = 1800.0
RIO = Path(sys.executable).with_name("rio")
# What somebody would write who knows the options: quick lossless compression, and all cores.
# rasterio's wheels have no gdal_translate: its program here is a call of the same driver.
_COPY = (
    "import sys; from rasterio.shutil import copy;"
    " copy(*sys.argv[1:], BIGTIFF='IF_SAFER', NUM_THREADS='ALL_CPUS', **{options})"
)


def commands(kind: str) -> dict[str, list[str]]:
    """Return the programs that a request is compared with, without the names of the files."""
    create = [str(RIO), "cogeo", "create", "--quiet"]
    predictor = files.predictor(kind)
    options = ["--threads", "ALL_CPUS", "--co", f"PREDICTOR={predictor}"]

    def driver(name: str, **options: Any) -> list[str]:
        return [sys.executable, "-c", _COPY.format(options={"driver": name, **options})]

    best = {"LEVEL": 1, "PREDICTOR": "YES"}
    once = {"COMPRESS": "DEFLATE", "ZLEVEL": 1, "PREDICTOR": predictor, "TILED": "YES"}
    return {
        BASELINE: create,
        "the same, DEFLATE 1, all cores": [*create, *options, "-p", "deflate", "--co", "ZLEVEL=1"],
        "the same, ZSTD 1, all cores": [*create, *options, "-p", "zstd", "--co", "ZSTD_LEVEL=1"],
        "GDAL's driver, DEFLATE 1, all cores": driver("COG", COMPRESS="DEFLATE", **best),
        "GDAL's driver, ZSTD 1, all cores": driver("COG", COMPRESS="ZSTD", **best),
        FLOOR: driver("GTiff", **once),
    }


class Cost(NamedTuple):
    """cpu: seconds of processor time of all processes."""

    seconds: float
    cpu: float
    megabytes: float  # resident, of the largest process at its peak


def measure(product: Product) -> list[Section]:
    """Compare time and memory for some rasters, then along the sides of GROWTH."""
    worker = product.worker(1)
    rows: list[Row] = []
    curves = []
    with product.stack.client() as api:
        api.timeout = MOST_SECONDS
        for raster in RASTERS:
            kind, side, name = raster.kind, raster.side, raster.name
            ours, *others = zip(
                *take(product, api, worker, side, kind, commands(kind), ROUNDS), strict=True
            )
            for baseline, theirs in zip(commands(kind), others, strict=True):
                goal = raster.goal(baseline)
                mine, base = ([Figure(*cost[:2]) for cost in costs] for costs in (ours, theirs))
                rows.append(compare(f"{name}: POST → completed", mine, baseline, base, "s", goal))
            mine, base = ([cost.megabytes for cost in costs] for costs in (ours, others[0]))
            rows.append(compare(f"{name}: peak memory", mine, BASELINE, base, "MB", "≤ 0.3"))
        plain = {BASELINE: commands("rgb")[BASELINE]}
        grown = [take(product, api, worker, side, "rgb", plain, 1)[0] for side in GROWTH]
        sides = list(map(float, GROWTH))
        for field, name, label, title, mine_is in (
            ("seconds", "seconds", "seconds", "Time", "POST → completed"),
            ("megabytes", "memory", "MB", "Peak memory", "largest process of the job"),
        ):
            lines = {
                who: [getattr(costs[place], field) for costs in grown]
                for place, who in enumerate((mine_is, "rio cogeo create"))
            }
            title += " for an RGB raster"
            curves.append(Curve(name, title, "pixels a side", label, sides, lines))
    return [Section("conversion", rows), Section("growth", curves=curves)]


def take(
    product: Product,
    api: Api,
    worker: int,
    side: int,
    kind: str,
    programs: dict[str, list[str]],
    count: int,
) -> list[list[Cost]]:
    """Return what a request and each program cost for one raster, so many times, in turn."""
    source = files.make(product.directory / f"{kind}-{side}.tif", side, kind)
    takes = [partial(request, product, api, worker, source)]
    takes += [partial(program, command, source) for command in programs.values()]
    found = []
    try:
        for number in range(count):
            order = list(enumerate(takes))
            costs = dict.fromkeys(range(len(takes)), Cost(0, 0, 0))
            for place, one in reversed(order) if number % 2 else order:
                costs[place] = one()
            found.append(list(costs.values()))
            say(f"  {source.name}: " + ", ".join(f"{c.seconds:.1f} s" for c in costs.values()))
    finally:
        source.unlink()
    return found


def request(product: Product, api: Api, worker: int, source: Path) -> Cost:
    """Upload a file with the default options; the time until its status says that it is done."""
    with product.spending(worker, product.stack.processes["web"].pid) as spent:
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
            time.sleep(0.02)  # as `program` looks
        seconds = time.monotonic() - began
    assert state["status"] == "completed", state
    assert api.delete(f"rasters/delete/{number}/").status_code == 204
    return Cost(seconds, spent.cpu, peak / 1e6)


def program(command: list[str], source: Path) -> Cost:
    """Convert the same file with a program that people would use."""
    target = source.with_suffix(".cog.tif")
    began, before = time.monotonic(), os.times()
    process, peak = subprocess.Popen([*command, str(source), str(target)]), 0
    while process.poll() is None:
        peak = max(peak, peak_memory(process.pid))
        time.sleep(0.02)
    seconds = time.monotonic() - began
    assert process.returncode == 0, f"{command[0]} ended with {process.returncode}"
    target.unlink()
    cpu = sum(os.times()[2:4]) - sum(before[2:4])  # of children that have ended
    return Cost(seconds, cpu, peak / 1e6)


def measure_quickly(product: Product, api: Api, worker: int) -> dict[str, float]:
    """Return the processor time of a small raster's request, divided by rio-cogeo's."""
    source = files.make(product.directory / "quick.tif", 2000, "rgb")

    def ours() -> float:
        return request(product, api, worker, source).cpu

    ours()  # the first one imports
    found = rounds(5, ours=ours, theirs=lambda: program(commands("rgb")[BASELINE], source).cpu)
    return {"2,000² RGB": min(found["ours"]) / min(found["theirs"])}
