"""Tiles a second, how long one in a hundred takes, and what the server computes for one, against
TiTiler on the same COG.
"""

import os
import random
import subprocess
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from backend_django.rasters.tiles import tile_range
from benchmarks import tools
from benchmarks.measure import QUICK, Answers, Section, ask, compare, cpu_seconds, rounds, say
from benchmarks.product import Product
from benchmarks.rasters import files
from scripts.processes import dies_with_parent, free_port
from tests.stack import Api, wait_for

ROUNDS = 3
SECONDS = 0.5 if QUICK else 5.0
CLIENTS = 8
SIDE = 1024 if QUICK else 8192  # pixels
TILES = 20 if QUICK else 300
ZOOMS = 6  # from the largest scale
# What TiTiler's own page on performance recommends.
TITILER = {
    "GDAL_CACHEMAX": "200", "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_INGESTED_BYTES_AT_OPEN": "32768", "VSI_CACHE": "TRUE", "VSI_CACHE_SIZE": "5000000",
    "OPENBLAS_NUM_THREADS": "1",
}  # fmt: skip


class TiTiler:
    """The application as its makers ship it, in one process like ours."""

    def __init__(self, log: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        command = ["-m", "uvicorn", "titiler.application.main:app", "--port", str(self.port)]
        environment = {
            name: value for name, value in os.environ.items()
            if not name.startswith(("PYTHON", "DJANGO_", "GDAL_"))
        }  # fmt: skip
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [tools.python(), *command, "--workers", "1", "--log-level", "warning"],
                env=environment | TITILER, stdout=output, stderr=output, cwd=log.parent,
                preexec_fn=dies_with_parent(),
            )  # fmt: skip
        self.pid = self._process.pid
        try:
            wait_for(self._answers, what=f"TiTiler answers; see {log}")
        except BaseException:
            self.stop()
            raise

    def _answers(self) -> bool:
        assert self._process.poll() is None, "TiTiler has ended"
        try:
            return httpx.get(f"{self.url}/healthz").status_code == 200
        except httpx.TransportError:
            return False

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(20)


def measure(product: Product) -> list[Section]:
    """Compare drawn tiles of pictures and of numbers, and the tiles of a map copy."""
    product.worker(1)
    rows = []
    with product.stack.client() as api:
        api.timeout = 600
        auth = {"Authorization": api.headers["Authorization"]}
        rgb, floats = (_upload(product, api, kind) for kind in ("rgb", "float32"))
        copied = _upload(product, api, "rgb")
        began = time.monotonic()
        assert api.post(f"rasters/map-copy/{copied['id']}/").status_code == 202
        wait_for(lambda: _is_copied(api, copied["id"]), seconds=900, what="the map copy")
        say(f"  the map copy took {time.monotonic() - began:.0f} s")
    titiler = TiTiler(product.directory / "titiler.log")
    low, high = floats["bands"][0]["percentile_2"], floats["bands"][0]["percentile_98"]
    pairs = (
        ("tiles of a map copy", copied, "", "≥ 10"),
        ("tiles drawn, RGB", rgb, "", "≥ 5"),
        ("tiles drawn, float32 with colours", floats, f"rescale={low},{high}", "≥ 5"),
    )
    try:
        for what, result, query, goal in pairs:
            paths = _paths(result, query)
            with httpx.Client(base_url=product.stack.url, headers=auth) as client:
                paths = [pair for pair in paths if client.get(pair[0]).status_code == 200][:TILES]
            mine, theirs = map(list, zip(*paths, strict=True))
            web = product.stack.processes["web"].pid
            found = rounds(
                ROUNDS,
                ours=_serve(product.stack.url, mine, auth, web),
                titiler=_serve(titiler.url, theirs, {}, titiler.pid),
            )
            rate, wait, cost = (
                [[figure(*take) for take in found[who]] for who in ("ours", "titiler")]
                for figure in (
                    lambda answers, _: answers.per_second,
                    lambda answers, _: answers.p99 * 1000,
                    lambda _, seconds: seconds * 1000,
                )
            )
            rows += [
                compare(what, rate[0], "TiTiler", rate[1], "/s", goal),
                compare(f"{what}: p99", wait[0], "TiTiler", wait[1], "ms", "≤ 1"),
                compare(f"{what}: processor time", cost[0], "TiTiler", cost[1], "ms"),
            ]
    finally:
        titiler.stop()
    return [Section("tiles", rows)]


def _upload(product: Product, api: Api, kind: str) -> dict[str, Any]:
    """Convert a raster; return its result, and where the COG of it is, as TiTiler gets it."""
    source = files.make(product.directory / f"tiles-{kind}.tif", SIDE, kind)
    with source.open("rb") as content:
        answer = api.post("rasters/create/", files={"file": (source.name, content)})
    assert answer.status_code == 201, answer.text
    number = answer.json()["id"]
    assert api.wait("rasters", number, seconds=600)["status"] == "completed"
    cog = source.with_suffix(".cog.tif")
    if not cog.exists():
        with api.stream("GET", f"rasters/download-cog/{number}/") as download, cog.open("wb") as to:
            for part in download.iter_bytes():
                to.write(part)
    return {**api.get(f"rasters/results/{number}/").json(), "id": number, "cog": cog}


def _is_copied(api: Api, number: str) -> bool:
    state = api.get(f"rasters/map-copy/{number}/").json()
    assert state["status"] in ("pending", "processing", "completed"), state
    return state["status"] == "completed"


def _paths(result: dict[str, Any], rescale: str) -> list[tuple[str, str]]:
    """Return the addresses of the same tiles, of all zooms that matter, here and there.

    Some more than are wanted: those in the corners may have nothing of the raster.
    """
    tiles, deepest = [], result["tiles"]["maxzoom"]
    for zoom in range(deepest, max(0, deepest - ZOOMS), -1):
        columns, rows = tile_range(result["bounds"], zoom)
        tiles += [(zoom, x, y) for x in columns[1:-1] or columns for y in rows[1:-1] or rows]
    chosen = random.Random(6).sample(tiles, min(2 * TILES, len(tiles)))
    mine = f"?{rescale}&colormap=viridis" if rescale else ""
    theirs = f"?url={quote(str(result['cog']), safe='')}&tilesize=256"
    theirs += f"&{rescale}&colormap_name=viridis" if rescale else ""
    here = f"/api/v1/rasters/tiles/{result['id']}"
    there = "/cog/tiles/WebMercatorQuad"
    return [(f"{here}/{z}/{x}/{y}{mine}", f"{there}/{z}/{x}/{y}{theirs}") for z, x, y in chosen]


def _serve(url: str, paths: list[str], headers: dict[str, str], pid: int) -> Any:
    """Return what asks for the tiles for some seconds, once every one has been drawn before.

    It returns the answers, and seconds of processor time that the server `pid` took for each.
    """
    is_warm = False

    def take() -> tuple[Answers, float]:
        nonlocal is_warm
        if not is_warm:
            with httpx.Client(base_url=url, headers=headers, timeout=60) as client:
                for path in paths:
                    answer = client.get(path)
                    assert answer.status_code == 200, (path, answer.status_code, answer.text[:300])
            is_warm = True
        cpu, began = cpu_seconds(pid), time.perf_counter()
        answers = ask(url, paths, headers, connections=CLIENTS, seconds=SECONDS)
        number = answers.per_second * (time.perf_counter() - began)
        return answers, (cpu_seconds(pid) - cpu) / number

    return take
