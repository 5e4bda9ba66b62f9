"""Is an upload already as good a COG as we would make, and harmless enough to hand on as it is?

Every other upload is decoded by a child process with limits and written anew, so nothing of it
reaches the tile server or another person's program. One that is kept does, so nothing may be in it
that is not known: docs/decisions/0018-cogs-are-kept.md.
"""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import rasterio
from rasterio.windows import Window

from .inspection import Inspection
from .options import Options
from .tiff import Directory, OddFileError, read_directories

SUBFILE, WIDTH, HEIGHT, BITS, COMPRESSION, SAMPLES = 254, 256, 257, 258, 259, 277
TILE_WIDTH, TILE_HEIGHT, OFFSETS, COUNTS, METADATA = 322, 323, 324, 325, 42112
REDUCED, MASK = 1, 4

_KNOWN_TAGS = {
    SUBFILE, WIDTH, HEIGHT, BITS, COMPRESSION, SAMPLES, TILE_WIDTH, TILE_HEIGHT, OFFSETS, COUNTS,
    METADATA,
    262, 284, 317, 338, 339,  # photometric, planes, predictor, extra samples, sample format
    282, 283, 296, 305, 306, 270,  # resolution, software, date, description
    320, 347, 530, 532,  # colour table; JPEG's tables, subsampling and range
    33550, 33922, 34264, 34735, 34736, 34737, 42113,  # GeoTIFF's place, and nodata
}  # fmt: skip
_KNOWN_COMPRESSIONS = {
    1: "none", 5: "lzw", 7: "jpeg", 8: "deflate", 32946: "deflate", 50000: "zstd", 50001: "webp",
}  # fmt: skip
_BLOCKS = range(128, 1025)  # pixels a side
_SMALLEST_OVERVIEW = 1024  # pixels a side: what a map of the whole raster has to read
_MAX_METADATA = 64 * 1024  # bytes
_WINDOW = 2048  # pixels a side that are decoded at once


def reason_to_convert(source: Path, facts: Inspection, options: Options) -> str:
    """Say why an inspected upload must be written anew, as the end of a sentence; "" to keep it.

    Reads the header only.
    """
    if options != Options():
        return "options were chosen"
    try:
        directories = read_directories(source)
        return _why_odd(directories, source.stat().st_size) or _why_no_cog(source)
    except OddFileError:
        return "its structure is unusual"


def _why_odd(directories: list[Directory], size: int) -> str:
    main = directories[0]
    if TILE_WIDTH not in main.tags:
        return "it is not stored in tiles"
    images = [d for d in directories if not d.number(SUBFILE) & MASK]
    if main.number(SUBFILE) or any(d.number(SUBFILE) != REDUCED for d in images[1:]):
        return "it holds more than one image"
    for directory in directories:
        if unknown := directory.tags.keys() - _KNOWN_TAGS:
            return f"it carries tags that are not handed on unseen ({min(unknown)})"
        if directory.number(COMPRESSION, 1) not in _KNOWN_COMPRESSIONS:
            return "its compression is unusual"
        if not {directory.number(TILE_WIDTH), directory.number(TILE_HEIGHT)} <= set(_BLOCKS):
            return "its tiles are very small, very large or missing"
        if not _blocks_are_within(directory, size):
            return "its tiles lie outside the file or over each other"
        metadata = directory.text(METADATA).replace(b' domain="IMAGE_STRUCTURE"', b"")
        # A domain is where an external overview, a geolocation array or the like would hide.
        if len(metadata) > _MAX_METADATA or b"domain=" in metadata or b"<!" in metadata:
            return "it carries metadata that is not handed on unseen"
    last = images[-1]
    if max(last.number(WIDTH), last.number(HEIGHT)) > _SMALLEST_OVERVIEW:
        return "its overviews are missing or too few"
    return ""


def _blocks_are_within(directory: Directory, size: int) -> bool:
    offsets, counts = (
        directory.tags.get(tag, np.empty(0)).astype(np.float64) for tag in (OFFSETS, COUNTS)
    )
    across, down = (
        -(-directory.number(side) // directory.number(tile))
        for side, tile in ((WIDTH, TILE_WIDTH), (HEIGHT, TILE_HEIGHT))
    )
    if len(offsets) != len(counts) or not across * down or len(offsets) % (across * down):
        return False
    used = counts > 0
    starts, ends = offsets[used], (offsets + counts)[used]
    order = np.argsort(starts)
    return bool((ends <= size).all() and (starts[order][1:] >= ends[order][:-1]).all())


def _why_no_cog(source: Path) -> str:
    """Ask rio-cogeo; safe, because the tags have shown that there is nowhere to be sent to."""
    from rio_cogeo.cogeo import cog_validate

    try:
        valid, errors, warnings = cog_validate(source, strict=True, quiet=True)
    except (rasterio.errors.RasterioError, ValueError):
        valid, errors, warnings = False, [], []
    if valid and not errors and not warnings:
        return ""
    return "it was not a valid Cloud-Optimized GeoTIFF"


def decode_everything(source: Path, progress: Callable[[float], None]) -> None:
    """Decode every pixel of every level once, as a reader of the file will.

    Raises:
        rasterio.errors.RasterioError: a block cannot be decoded.
    """
    with rasterio.Env(), rasterio.open(source, driver="GTiff") as dataset:
        levels = len(dataset.overviews(1))
    total = sum(0.25**level for level in range(levels + 1))
    done = 0.0
    for level in range(-1, levels):
        options = {"OVERVIEW_LEVEL": level} if level >= 0 else {}
        with rasterio.Env(), contextlib.ExitStack() as stack:
            dataset = stack.enter_context(
                rasterio.open(source, driver="GTiff", NUM_THREADS="ALL_CPUS", **options)
            )
            share = 0.25 ** (level + 1) / total
            for part, window in _windows(dataset.width, dataset.height):
                dataset.read(window=window)
                dataset.read_masks(1, window=window)
                progress(min(1.0, done + share * part))
            done += share


def _windows(width: int, height: int) -> Iterator[tuple[float, Window]]:
    """Yield windows that cover a raster, each with the share that is read after it."""
    for top in range(0, height, _WINDOW):
        for left in range(0, width, _WINDOW):
            right, bottom = min(width, left + _WINDOW), min(height, top + _WINDOW)
            read = (top * width + (bottom - top) * right) / (width * height)
            yield read, Window(left, top, right - left, bottom - top)
