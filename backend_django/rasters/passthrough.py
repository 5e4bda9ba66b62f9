"""Is an upload already as good a COG as we would make, and harmless enough to hand on as it is?

Every other upload is decoded by a child process with limits and written anew, so nothing of it
reaches the tile server or another person's program. One that is kept does, so nothing may be in it
that is not known: docs/decisions/0018-cogs-are-kept.md.
"""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio.windows import Window

from backend_django.utils.messages import Message

from .inspection import Inspection
from .options import Options
from .tiff import (
    BITS,
    COMPRESSION,
    COUNTS,
    HEIGHT,
    MASK,
    METADATA,
    OFFSETS,
    REDUCED,
    SAMPLES,
    SUBFILE,
    TILE_HEIGHT,
    TILE_WIDTH,
    WIDTH,
    Directory,
    OddFileError,
    read_directories,
)

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
_LOSSY_COMPRESSIONS = {7, 50001}
_BLOCKS = range(128, 1025)  # pixels a side
_SMALLEST_OVERVIEW = 1024  # pixels a side: what a map of the whole raster has to read
_MAX_METADATA = 64 * 1024  # bytes
_LARGEST_STEP = 64  # from one level to the next: windows with their margins stay small
_WINDOW = 1024  # pixels a side whose overviews are looked at together
_OVERSHOOT = 0.5  # of the range of the pixels around: sharper resampling goes beyond it
_LOSSY = 64  # of 255, what JPEG and WebP may change at an edge of colours


def reason_to_convert(source: Path, facts: Inspection, options: Options) -> str:
    """Say why an inspected upload must be written anew, as the end of a sentence; "" to keep it.

    Reads the header only.
    """
    if options != Options():
        return Message("options were chosen")
    try:
        directories = read_directories(source)
        return _why_odd(directories, source.stat().st_size) or _why_no_cog(source)
    except OddFileError:
        return Message("its structure is unusual")


def _why_odd(directories: list[Directory], size: int) -> str:
    main = directories[0]
    if TILE_WIDTH not in main.tags:
        return Message("it is not stored in tiles")
    images = [d for d in directories if not d.number(SUBFILE) & MASK]
    if main.number(SUBFILE) or any(d.number(SUBFILE) != REDUCED for d in images[1:]):
        return Message("it holds more than one image")
    for directory in directories:
        if unknown := directory.tags.keys() - _KNOWN_TAGS:
            return Message(
                "it carries tags that are not handed on unseen (%(min)s)", min=min(unknown)
            )
        if directory.number(COMPRESSION, 1) not in _KNOWN_COMPRESSIONS:
            return Message("its compression is unusual")
        if not {directory.number(TILE_WIDTH), directory.number(TILE_HEIGHT)} <= set(_BLOCKS):
            return Message("its tiles are very small, very large or missing")
        if not _blocks_are_within(directory, size):
            return Message("its tiles lie outside the file or over each other")
        metadata = directory.text(METADATA).replace(b' domain="IMAGE_STRUCTURE"', b"")
        # A domain is where an external overview, a geolocation array or the like would hide.
        if len(metadata) > _MAX_METADATA or b"domain=" in metadata or b"<!" in metadata:
            return Message("it carries metadata that is not handed on unseen")
    last = images[-1]
    if max(last.number(WIDTH), last.number(HEIGHT)) > _SMALLEST_OVERVIEW:
        return Message("its overviews are missing or too few")
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
    return Message("it was not a valid Cloud-Optimized GeoTIFF")


def is_lossy(source: Path) -> bool:
    """Say whether the pixels of a file that is kept were changed by their compression."""
    return read_directories(source)[0].number(COMPRESSION, 1) in _LOSSY_COMPRESSIONS


def overviews_show_pixels(
    source: Path, known: Sequence[Sequence[int]] | None, *, lossy: bool
) -> bool:
    """Say whether each overview shows what is there in the next larger one, or could.

    Every pixel of every level is decoded, as a reader of the file will. An overview's pixel may lie
    between those around it, or a little beyond as cubic resampling has it, and is missing where all
    around it are. Of one that is smaller by very much, that is not looked at: it is not shown.

    Args:
        known: the values of each band, where they are classes, between which there is nothing.

    Raises:
        rasterio.errors.RasterioError: a block cannot be decoded.
    """
    with rasterio.Env(), contextlib.ExitStack() as stack:
        whole = stack.enter_context(rasterio.open(source, driver="GTiff"))
        overviews = [
            stack.enter_context(rasterio.open(source, driver="GTiff", OVERVIEW_LEVEL=level))
            for level in range(len(whole.overviews(1)))
        ]
        levels = list(pairwise([whole, *overviews]))
        if whole.dtypes[0].startswith("complex"):  # GDAL makes each of these of the whole image
            levels = [(whole, overview) for overview in overviews]
        if any(_step(larger, smaller) > _LARGEST_STEP for larger, smaller in levels):
            return False
        odd = 0
        for larger, smaller in levels:
            for window in _windows(larger.width, larger.height):
                for band in whole.indexes:
                    only = known[band - 1] if known else None
                    odd += _count_odd(larger, smaller, band, window, lossy, only)
    return odd <= (whole.width * whole.height * whole.count / 1000 if lossy else 0)


@dataclass(frozen=True)
class _Part:
    """The extremes within each pixel of a rectangle of an image."""

    top: int
    left: int
    low: Any
    high: Any
    all_valid: Any


def _step(larger: Any, smaller: Any) -> int:
    """Return how many pixels of an image are one of the next along a side."""
    return -(-max(larger.shape) // max(smaller.shape))


def _count_odd(
    larger: Any,
    smaller: Any,
    band: int,
    window: Window,
    lossy: bool,
    only: Sequence[int] | None,
) -> int:
    """Return how many pixels of an overview do not show what is around them in a window."""
    margin = 2 * _step(larger, smaller)
    top, left = (max(0, int(at) - margin) for at in (window.row_off, window.col_off))
    bottom = min(larger.height, int(window.row_off + window.height) + margin)
    right = min(larger.width, int(window.col_off + window.width) + margin)
    pixels, valid = _read(larger, band, Window(left, top, right - left, bottom - top))
    part = _Part(
        top, left, np.where(valid, pixels, np.inf), np.where(valid, pixels, -np.inf), valid
    )
    part = _shrink(part, larger.shape, smaller.shape)
    # Those that begin in the window, of which no other window counts any.
    first_row, last_row, first_column, last_column = (
        -(-int(at) * small // large)
        for at, small, large in (
            (window.row_off, smaller.height, larger.height),
            (window.row_off + window.height, smaller.height, larger.height),
            (window.col_off, smaller.width, larger.width),
            (window.col_off + window.width, smaller.width, larger.width),
        )
    )
    if first_row >= last_row or first_column >= last_column:
        return 0
    rows = slice(first_row - part.top, last_row - part.top)
    columns = slice(first_column - part.left, last_column - part.left)
    around = (
        _with_neighbours(part.low, np.minimum)[rows, columns],
        _with_neighbours(part.high, np.maximum)[rows, columns],
        _with_neighbours(part.all_valid, np.logical_and)[rows, columns],
    )
    at = Window(first_column, first_row, last_column - first_column, last_row - first_row)
    return _differ(*_read(smaller, band, at), *around, lossy, only)


def _differ(
    values: Any,
    valid: Any,
    low: Any,
    high: Any,
    all_valid: Any,
    lossy: bool,
    only: Sequence[int] | None,
) -> int:
    with np.errstate(invalid="ignore"):
        room = (high - low) * _OVERSHOOT + (_LOSSY if lossy else np.abs(high) * 1e-6)
        beyond = valid & ~((values >= low - room) & (values <= high + room))
    if only is not None:
        beyond |= valid & ~np.isin(values, only)
    return int(np.count_nonzero(beyond | (~valid & all_valid)))


def _read(dataset: Any, band: int, window: Window) -> tuple[Any, Any]:
    values = dataset.read(band, window=window)
    valid = dataset.read_masks(band, window=window) > 0
    if np.iscomplexobj(values):
        values = values.real + values.imag  # both lie between their neighbours', so this does
    values = values.astype(np.float64)
    return values, valid & np.isfinite(values)


def _shrink(part: _Part, shape: tuple[int, int], smaller: tuple[int, int]) -> _Part:
    """Return the extremes for the pixels of the next smaller image that lie within a part."""
    starts, firsts = [], []
    for axis, begin in enumerate((part.top, part.left)):
        large, small = shape[axis], smaller[axis]
        end = begin + part.low.shape[axis]
        first = -(-begin * small // large)
        last = small if end == large else end * small // large
        starts.append(np.arange(first, last) * large // small - begin)
        firsts.append(first)
    found = []
    for values, combine in (
        (part.low, np.minimum), (part.high, np.maximum), (part.all_valid, np.logical_and),
    ):  # fmt: skip
        rows = combine.reduceat(values, starts[0], axis=0)
        found.append(combine.reduceat(rows, starts[1], axis=1))
    return _Part(*firsts, *found)


def _with_neighbours(values: Any, combine: Any) -> Any:
    """Combine each pixel with the eight around it."""
    for axis in (0, 1):
        padded = np.pad(values, [(1, 1) if axis == a else (0, 0) for a in (0, 1)], mode="edge")
        first, second, third = (
            np.take(padded, np.arange(k, k + values.shape[axis]), axis) for k in range(3)
        )
        values = combine(combine(first, second), third)
    return values


def _windows(width: int, height: int) -> Iterator[Window]:
    for top in range(0, height, _WINDOW):
        for left in range(0, width, _WINDOW):
            yield Window(left, top, min(_WINDOW, width - left), min(_WINDOW, height - top))
