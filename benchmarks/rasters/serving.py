"""Tiles a second, how long one in a hundred takes, and what the server computes for one, against
TiTiler on the same COG.
"""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from urllib.parse import quote

import httpx

from backend_django.rasters.tile_grid import tile_range
from benchmarks import tools
from benchmarks.asgi import UVICORN
from benchmarks.measure import QUICK, Answers, Figure, Section, ask, compare, rounds, say
from benchmarks.product import Product
from benchmarks.rasters import files
from scripts.processes import free_port
from tests.stack import Api, wait_for

ROUNDS = 3
SECONDS = 0.5 if QUICK else 5.0
CLIENTS = 8
SIDE = 1024 if QUICK else 8192  # pixels
TILES = 20 if QUICK else 300
ZOOMS = 6  # from the largest scale
QUICK_TILES = 20
WORKERS = 1, 2  # processes of TiTiler; ours has one, with 8 threads
# What TiTiler's own page on performance recommends.
TITILER = {
    "GDAL_CACHEMAX": "200", "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_INGESTED_BYTES_AT_OPEN": "32768", "VSI_CACHE": "TRUE", "VSI_CACHE_SIZE": "5000000",
    "OPENBLAS_NUM_THREADS": "1",
}  # fmt: skip


@contextmanager
def titiler(product: Product, workers: int) -> Iterator[tuple[str, int]]:
    """Serve the application as its makers ship it; yield its URL and process id."""
    url = f"http://127.0.0.1:{(port := free_port())}"
    command = [tools.python(), *UVICORN, "titiler.application.main:app"]
    command += ["--port", str(port), "--workers", str(workers)]
    environment = tools.environment(**TITILER)
    with product.beside(f"titiler-{workers}", command, environment, f"{url}/healthz") as pid:
        yield url, pid


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
    low, high = floats["bands"][0]["percentile_2"], floats["bands"][0]["percentile_98"]
    pairs = (
        ("tiles of a map copy", copied, "", "≥ 10"),
        ("tiles drawn, RGB", rgb, "", "≥ 5"),
        ("tiles drawn, float32 with colours", floats, f"rescale={low},{high}", "≥ 5"),
    )
    mine = product.stack.url, product.stack.processes["web"].pid
    with ExitStack() as stack:
        theirs = {
            f"TiTiler, {workers} worker{'s' * (workers > 1)}": (
                workers, *stack.enter_context(titiler(product, workers))
            )
            for workers in WORKERS
        }  # fmt: skip
        for what, result, query, goal in pairs:
            paths = _paths(result, query)
            with httpx.Client(base_url=product.stack.url, headers=auth) as client:
                paths = [pair for pair in paths if client.get(pair[0]).status_code == 200][:TILES]
            here, there = map(list, zip(*paths, strict=True))
            found = rounds(
                ROUNDS,
                ours=_serve(product, *mine, here, auth, 1),
                **{
                    name: _serve(product, url, pid, there, {}, workers)
                    for name, (workers, url, pid) in theirs.items()
                },
            )
            ours = found.pop("ours")
            for name, other in found.items():
                rate, p99 = zip(*(zip(*takes, strict=True) for takes in (ours, other)), strict=True)
                rows += [
                    compare(what, rate[0], name, rate[1], "/s", goal),
                    compare(f"{what}: p99", p99[0], name, p99[1], "ms", "≤ 1"),
                ]
    return [Section("tiles", rows)]


def _upload(product: Product, api: Api, kind: str, side: int = SIDE) -> dict[str, Any]:
    """Convert a raster; return its result, and where the COG of it is, as TiTiler gets it."""
    source = files.make(product.directory / f"tiles-{kind}.tif", side, kind)
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


def _tiles(result: dict[str, Any]) -> list[tuple[int, int, int]]:
    """Return tiles of all zooms that matter.

    Some more than are wanted: those in the corners may have nothing of the raster.
    """
    tiles, deepest = [], result["tiles"]["maxzoom"]
    for zoom in range(deepest, max(0, deepest - ZOOMS), -1):
        columns, rows = tile_range(result["bounds"], zoom)
        tiles += [(zoom, x, y) for x in columns[1:-1] or columns for y in rows[1:-1] or rows]
    return random.Random(6).sample(tiles, min(2 * TILES, len(tiles)))


def _paths(result: dict[str, Any], rescale: str) -> list[tuple[str, str]]:
    """Return the addresses of the same tiles, here and there."""
    mine = f"?{rescale}&colormap=viridis" if rescale else ""
    theirs = f"?url={quote(str(result['cog']), safe='')}&tilesize=256"
    theirs += f"&{rescale}&colormap_name=viridis" if rescale else ""
    here = f"/api/v1/rasters/tiles/{result['id']}"
    there = "/cog/tiles/WebMercatorQuad"
    return [
        (f"{here}/{z}/{x}/{y}{mine}", f"{there}/{z}/{x}/{y}{theirs}") for z, x, y in _tiles(result)
    ]


def _serve(
    product: Product, url: str, pid: int, paths: list[str], headers: dict[str, str], workers: int
) -> Callable[[], tuple[Figure, float]]:
    """Return what asks for the tiles for some seconds: tiles a second, and the p99 in ms.

    Every process has drawn all of them before, or nearly: connections are spread by the kernel.
    """

    def asking(**until: Any) -> Answers:
        return ask(url, paths, headers, connections=CLIENTS, **until)

    asking(calls=workers * len(paths), seconds=600)

    def take() -> tuple[Figure, float]:
        with product.spending(pid) as spent:
            answers = asking(seconds=SECONDS)
        return spent.figure(answers.per_second, answers.count), answers.p99 * 1000

    return take


def measure_quickly(product: Product, api: Api) -> dict[str, float]:
    """Return what drawing a tile costs, divided by what it costs rio-tiler; and its statements."""
    from rio_tiler.io import Reader  # of the tests

    result = _upload(product, api, "rgb", 2000)
    tiles = _tiles(result)[:QUICK_TILES]
    headers = {"Authorization": api.headers["Authorization"]}
    paths = [f"/api/v1/rasters/tiles/{result['id']}/{z}/{x}/{y}" for z, x, y in tiles]
    calls = 4 * len(paths)

    def ours() -> Figure:
        with product.spending(product.stack.processes["web"].pid) as spent:
            ask(product.stack.url, paths, headers, connections=CLIENTS, calls=calls)
        return spent.figure(0, calls)

    def theirs() -> Figure:
        began = time.process_time()
        with Reader(str(result["cog"])) as source:
            for z, x, y in tiles:
                source.tile(x, y, z, tilesize=256).render("PNG")
        return Figure(0, (time.process_time() - began) / len(tiles))

    ours()
    found = rounds(5, ours=ours, theirs=theirs)
    cheapest = {who: min(figure.cpu or 0 for figure in figures) for who, figures in found.items()}
    return {
        "drawn tile": cheapest["ours"] / cheapest["theirs"],
        "statements: drawn tile": round(min(figure.statements or 0 for figure in found["ours"])),
    }
