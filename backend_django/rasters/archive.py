"""The map copy: all tiles of a raster, drawn in advance, in one PMTiles file.

Its tiles are the very bytes that would be drawn, so a map looks the same before and after.
"""

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

from pmtiles.tile import (
    Compression,
    TileType,
    deserialize_directory,
    deserialize_header,
    tileid_to_zxy,
    zxy_to_tileid,
)
from pmtiles.writer import Writer

from backend_django.processing.errors import ProcessingError

from .tile_grid import tile_range

MAX_TILES = 300_000  # about 50,000 pixels a side; more would take hours and memory

# Of processor time, ten times what they take: a hung or hostile file is to end some time.
FIXED_SECONDS, TILE_SECONDS = 60, 0.2

_OPEN_FILES = 64
_AHEAD = 64  # tiles that are drawn before the first of them is written


class Archive:
    """An open PMTiles file, for any number of threads."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDONLY)
        header = deserialize_header(os.pread(self._file, 127, 0))
        self.max_zoom: int = header["max_zoom"]
        self._data = header["tile_data_offset"]
        self._places: dict[int, tuple[int, int]] = {}
        self._read_directory(header, header["root_offset"], header["root_length"])

    def __del__(self) -> None:
        os.close(self._file)

    def _read_directory(self, header: Any, offset: int, length: int) -> None:
        for entry in deserialize_directory(os.pread(self._file, length, offset)):
            if entry.run_length == 0:
                self._read_directory(
                    header, header["leaf_directory_offset"] + entry.offset, entry.length
                )
            for tile_id in range(entry.tile_id, entry.tile_id + entry.run_length):
                self._places[tile_id] = entry.offset, entry.length

    def tile(self, z: int, x: int, y: int) -> bytes | None:
        """Return an encoded tile; None where the raster has no pixel."""
        place = self._places.get(zxy_to_tileid(z, x, y))
        if place is None:
            return None
        return os.pread(self._file, place[1], self._data + place[0])


_archives: OrderedDict[Path, Archive] = OrderedDict()
_lock = threading.Lock()


def open_archive(path: Path) -> Archive:
    """Return the open file of a path, kept for the next tile.

    Raises:
        FileNotFoundError: it is gone.
    """
    if not path.exists():
        with _lock:
            _archives.pop(path, None)  # an open file keeps the disk space of a deleted one
        raise FileNotFoundError(path)
    with _lock:
        if path in _archives:
            _archives.move_to_end(path)
            return _archives[path]
    opened = Archive(path)
    with _lock:
        while len(_archives) >= _OPEN_FILES:
            _archives.popitem(last=False)
        return _archives.setdefault(path, opened)


def count_tiles(bounds: list[float], max_zoom: int) -> int:
    """Return how many tiles of all zooms may show something of what lies within bounds."""
    sides = (tile_range(bounds, zoom) for zoom in range(max_zoom + 1))
    return sum(len(columns) * len(rows) for columns, rows in sides)


def _tile_ids(bounds: list[float], max_zoom: int) -> Iterator[int]:
    """Yield the ids of the tiles that may show something, zoom by zoom, sorted within each."""
    for zoom in range(max_zoom + 1):
        columns, rows = tile_range(bounds, zoom)
        yield from sorted(
            zxy_to_tileid(zoom, column % 2**zoom, row) for column in columns for row in rows
        )


def write_archive(
    arguments: dict[str, Any], report: Callable[[str | None, float], None]
) -> dict[str, int]:
    """Child process target: draw all tiles of a COG in one style.

    Args:
        arguments: source and target (paths), bounds (degrees), maxzoom, style (of `asdict`).

    Returns:
        tiles: how many have something in them.

    Raises:
        ProcessingError: too_many_tiles.
    """
    from . import process_limits
    from .convert import available_cores
    from .styles import Style
    from .tiles import render_tile

    source, bounds, max_zoom = Path(arguments["source"]), arguments["bounds"], arguments["maxzoom"]
    style = Style.from_plain(arguments["style"])
    total = count_tiles(bounds, max_zoom)
    if total > MAX_TILES:
        raise ProcessingError(
            "too_many_tiles",
            "The raster is too large for this: its map has more than %(most)s "
            "tiles. They are drawn when somebody looks at them.",
            most=MAX_TILES,
        )

    process_limits.limit_cpu(FIXED_SECONDS + total * TILE_SECONDS)

    def draw(tile_id: int) -> tuple[int, bytes | None]:
        picture = render_tile(source, *tileid_to_zxy(tile_id), style)
        return tile_id, picture.content if picture else None

    written = done = 0
    with (
        Path(arguments["target"]).open("wb") as file,
        ThreadPoolExecutor(available_cores()) as pool,
    ):
        writer = Writer(file)
        ids = _tile_ids(bounds, max_zoom)
        while chunk := list(islice(ids, _AHEAD)):
            for tile_id, content in pool.map(draw, chunk):
                done += 1
                if content is not None:
                    writer.write_tile(tile_id, content)
                    written += 1
            report("draw", done / total)
        if not written:
            raise ProcessingError("no_tiles", "The raster has no pixel that a map could show.")
        kind = TileType.UNKNOWN  # JPEG and PNG, as each tile needs it
        writer.finalize(
            {"tile_type": kind, "tile_compression": Compression.NONE, **_place(bounds)}, {}
        )
    return {"tiles": written}


def _place(bounds: list[float]) -> dict[str, int]:
    west, south, east, north = (round(degrees * 1e7) for degrees in bounds)
    east = min(east, 1_800_000_000)
    return {
        "min_lon_e7": west, "min_lat_e7": south, "max_lon_e7": east, "max_lat_e7": north,
        "center_zoom": 0, "center_lon_e7": (west + east) // 2,
        "center_lat_e7": (south + north) // 2,
    }  # fmt: skip
