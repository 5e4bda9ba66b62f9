"""Write a Cloud-Optimized GeoTIFF in one pass over the pixels of an upload.

GDAL's COG driver decodes an upload twice, and statistics would be a third time. Here rows of blocks
are decoded once, by all cores; they are counted, compressed and made smaller while they are in
memory. What GDAL knows best stays with GDAL: it decodes, it resamples, and it writes the header,
as that of a COG of a few pixels. Its own driver writes what is left: see `reason_for_gdal`.
"""

import math
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import rasterio
from rasterio.io import MemoryFile

from . import gdal
from .compression import compressor
from .inspection import Inspection
from .metadata import Item, fill_room, room_for
from .options import Options
from .pyramid import AROUND, RESAMPLINGS, How, Level, Pixels, Progress, Reader, Store, read_through
from .recipe import LOSSY, creation_options
from .statistics import AT_ONCE, BandStatistics, sampling_step
from .tiff import (
    COUNTS,
    HEIGHT,
    LONG,
    LONG8,
    OFFSETS,
    REDUCED,
    SHORT,
    SUBFILE,
    WIDTH,
    Entry,
    OddFileError,
    empty_copy,
    lay_out,
    read_entries,
)
from .validity import missing_pixels

_ROWS_BYTES = 128 * 1024**2  # of one row of the upload's blocks, at most
_BAND_BYTES = 16 * 1024**2  # decoded at once, where the upload's blocks allow it
_TEMPLATE_HEIGHT = 16  # pixels
_BIG = 2_000_000_000  # bytes of blocks beyond which a file is a BigTIFF, as with GDAL's IF_SAFER
_DTYPES = {"uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64"}
_COPY_BYTES = 4 * 1024**2
_OVERVIEW_TAGS = {
    256, 257, 258, 259, 262, 277, 284, 317, 320, 322, 323, OFFSETS, COUNTS, 338, 339, 42113,
}  # fmt: skip


def reason_for_gdal(
    source: Path, facts: Inspection, options: Options, recipe: Sequence[str]
) -> str:
    """Say why GDAL's driver must write an upload, "" when one pass can.

    Args:
        facts: as the header will say, with the options applied.
        recipe: of `choose_recipe`.

    Raises:
        rasterio.errors.RasterioError: it cannot be opened.
    """
    creation = creation_options(recipe)
    resampling, side = creation["OVERVIEW_RESAMPLING"], int(creation["BLOCKSIZE"])
    shapes = overview_shapes(facts.height, facts.width, side)
    if options.grid == "web" or options.compression in LOSSY:
        return "the product has other pixels"
    if facts.dtype not in _DTYPES:
        return f"its pixels are {facts.dtype}"
    if facts.has_mask or facts.has_alpha:
        return "it has a mask or opacity"
    if facts.stored < 1:
        return "some of its blocks are not in the file"
    if resampling not in RESAMPLINGS or (resampling == "AVERAGE" and facts.has_palette):
        return f"its overviews are made by {resampling}"
    if not _can_be_missing(facts, resampling):
        return f"its nodata value {facts.nodata} needs care"
    if min(shapes[-1]) == 1:
        return "it is narrow"
    with rasterio.Env(), gdal.open_upload(source) as dataset:
        if "NBITS" in dataset.tags(1, ns="IMAGE_STRUCTURE"):
            return "its pixels are not whole bytes"
        if band_rows(dataset.block_shapes[0], facts, side) * _row_bytes(facts) > _ROWS_BYTES:
            return "a row of its blocks is large"
    try:
        empty_copy(source, _TEMPLATE_HEIGHT, _template_width(shapes, side))
    except OddFileError:
        return "its structure is unusual"
    return "" if gdal.find_library() else "libgdal is out of reach"


def _can_be_missing(facts: Inspection, resampling: str) -> bool:
    """Say whether nodata is a value that pixels can have, and that resampling keeps."""
    if facts.nodata is None:
        return True
    kind = np.dtype(facts.dtype)
    if facts.nodata != facts.nodata:
        return kind.kind == "f" and resampling != "MODE"  # which fills with another NaN or 0
    with np.errstate(over="ignore"):
        return math.isfinite(facts.nodata) and facts.nodata == np.array(facts.nodata).astype(kind)


def overview_shapes(height: int, width: int, side: int) -> list[tuple[int, int]]:
    """Return rows and columns of the full size and of each overview, as GDAL has them."""
    shapes = [(height, width)]
    while max(shapes[-1]) > side:
        rows, columns = shapes[-1]
        shapes.append((max(1, rows // 2), max(1, columns // 2)))
    return shapes


def _row_bytes(facts: Inspection) -> int:
    return facts.width * facts.count * facts.sample_bytes


def band_rows(block_shape: tuple[int, int], facts: Inspection, side: int) -> int:
    """Return how many rows are decoded at once: whole blocks of the result, and of the upload."""
    rows = math.lcm(block_shape[0], side)
    if rows * _row_bytes(facts) > _BAND_BYTES:  # some of the upload's are decoded twice, then
        rows = max(side, math.ceil(block_shape[0] / side) * side)
    return rows * max(1, _BAND_BYTES // (rows * _row_bytes(facts)))


def write_cog(
    source: Path,
    target: Path,
    facts: Inspection,
    options: Options,
    recipe: Sequence[str],
    items: Sequence[Item],
    descriptions: Sequence[str],
    progress: Progress,
    *,
    threads: int,
    count: bool,
) -> list[BandStatistics]:
    """Write an upload for which there is no `reason_for_gdal`.

    Args:
        facts: as the header will say, with the options applied.
        recipe: of `choose_recipe`.
        items: of metadata, that GDAL may leave out.
        descriptions: of all of the upload's bands.
        count: whether the pixels are to be counted.

    Returns:
        the statistics of the bands, without areas; empty ones when they were not counted.

    Raises:
        rasterio.errors.RasterioError: a block cannot be decoded.
        gdal.CopyFailedError, OSError: the result cannot be written.
        ProcessingError: external_overviews.
    """
    creation = creation_options(recipe)
    how = How(
        facts.count,
        np.dtype(facts.dtype),
        facts.nodata,
        int(creation["BLOCKSIZE"]),
        creation["OVERVIEW_RESAMPLING"],
        compressor(creation),
    )
    shapes = overview_shapes(facts.height, facts.width, how.side)
    store = Store([(-(-rows // how.side), -(-columns // how.side)) for rows, columns in shapes])
    every = sampling_step(facts.width, facts.height, facts.count)
    statistics = [BandStatistics(facts.dtype, every) for _ in range(facts.count)]

    def add(pixels: Pixels) -> None:
        step = -(-AT_ONCE // pixels.shape[2])
        for top in range(0, pixels.shape[1], step):
            for band, values in zip(statistics, pixels[:, top : top + step], strict=True):
                missing = None if how.nodata is None else missing_pixels(values, how.nodata)
                band.add(values.ravel() if missing is None else values[~missing], None)

    template, scratch = target.with_suffix(".header.tif"), target.with_suffix(".blocks")
    try:
        big = store.blocks * how.side**2 * facts.count * facts.sample_bytes > _BIG
        empty = empty_copy(source, _TEMPLATE_HEIGHT, _template_width(shapes, how.side))
        _write_template(empty, template, recipe, items, descriptions, big=big)
        with scratch.open("w+b") as file, ExitStack() as stack:
            store.file = file
            reader = Reader(stack, source, options.bands, threads)
            pool = stack.enter_context(ThreadPoolExecutor(threads))
            stack.callback(pool.shutdown, cancel_futures=True)
            level = Level(0, shapes, how, pool, store)
            rows = band_rows(reader.block_shape, facts, how.side)
            look = add if count else lambda pixels: None
            read_through(reader, level, rows, store, pool, look, progress)
            _assemble(target, template, shapes, store)
    finally:
        for path in (template, scratch):
            path.unlink(missing_ok=True)
    return statistics


def _template_width(shapes: Sequence[tuple[int, int]], side: int) -> int:
    """Return how wide a raster is that has an overview when the result has: GDAL notes which."""
    return side + 1 if len(shapes) > 1 else side


def _write_template(
    empty: bytes,
    path: Path,
    recipe: Sequence[str],
    items: Sequence[Item],
    descriptions: Sequence[str],
    *,
    big: bool,
) -> None:
    """Have GDAL write a COG that says of itself what the result is to say.

    Args:
        empty: what it is made of.
    """
    arguments = [
        {"BIGTIFF=IF_SAFER": f"BIGTIFF={'YES' if big else 'NO'}"}.get(one, one) for one in recipe
    ]
    with MemoryFile(empty) as source:
        gdal.translate(
            source.name, path, [*arguments, "-co", "SPARSE_OK=TRUE"], descriptions,
            lambda share: None, room_for(items),
        )  # fmt: skip
    fill_room(path, items)


def _assemble(
    target: Path, template: Path, shapes: Sequence[tuple[int, int]], store: Store
) -> None:
    """Write the header and, behind it, the blocks: small levels first, each from top to bottom."""
    with template.open("rb") as file:
        form, start, entries = read_entries(file)
        file.seek(0)
        head = file.read(start)

    def number(tag: int, values: Any, *, wide: bool) -> Entry:
        kind, size = (LONG8, 8) if wide and form.big else (LONG, 4)
        if tag in (WIDTH, HEIGHT) and max(values) < 2**16:
            kind, size = SHORT, 2
        content = np.asarray(values, f"{form.order}u{size}").tobytes()
        return Entry(tag, kind, len(values), content)

    def lay_out_from(at: int) -> bytes:
        """Return the directories of a file whose blocks begin there."""
        directories: list[list[Entry]] = []
        for level in reversed(range(len(shapes))):
            sizes = store.sizes[level]
            ends = at + np.cumsum(sizes + 2 * AROUND)
            at = int(ends[-1])
            kept = {e.tag: e for e in entries if not level or e.tag in _OVERVIEW_TAGS}
            kept[HEIGHT], kept[WIDTH] = (
                number(tag, [side], wide=False)
                for tag, side in zip((HEIGHT, WIDTH), shapes[level], strict=True)
            )
            kept[OFFSETS] = number(OFFSETS, ends - sizes - AROUND, wide=True)
            kept[COUNTS] = number(COUNTS, sizes, wide=False)
            if level:
                kept[SUBFILE] = number(SUBFILE, [REDUCED], wide=False)
            directories.insert(0, [kept[tag] for tag in sorted(kept)])
        return lay_out(form, start, directories)

    directories = lay_out_from(start + len(lay_out_from(0)))
    store.file.flush()
    with target.open("wb") as result:
        result.write(head + directories)
        for level in reversed(range(len(shapes))):
            places, sizes = store.places[level], store.sizes[level] + 2 * AROUND
            breaks = np.flatnonzero(places[1:] != (places + sizes)[:-1]) + 1
            for first, last in pairwise([0, *breaks.tolist(), len(places)]):
                _copy(store.file, result, int(places[first]), int(sizes[first:last].sum()))


def _copy(source: BinaryIO, target: BinaryIO, place: int, size: int) -> None:
    """Copy bytes from a place in one file to the end of another."""
    for at in range(place, place + size, _COPY_BYTES):
        target.write(os.pread(source.fileno(), min(_COPY_BYTES, place + size - at), at))
