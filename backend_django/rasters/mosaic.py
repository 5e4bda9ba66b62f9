"""Several rasters as one, as the target of a child process that knows no Django.

Where they overlap a later one is on top, as in gdalbuildvrt. A raster whose pixels lie on the grid
of the mosaic is copied, whatever the others are; only those that do not are resampled.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from math import ceil, isnan, nan
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.enums import ColorInterp
from rasterio.windows import Window

from backend_django.processing.errors import ProcessingError
from backend_django.utils.messages import Message

from . import convert, process_limits
from .cost import DECODE, REPROJECT, WRITE, check_cost, estimate_seconds
from .describe import read_palette
from .inspection import Limits
from .intake import Prepared
from .mosaic_grid import Grid, Part, choose_grid
from .options import Options
from .sampling import representable
from .statistics import windows
from .tiff import is_premultiplied
from .validity import Validity

Progress = Callable[[float], None]

_BLOCK = 256
_SMALLER = Message("Give a coarser resolution, or take fewer rasters.")


def merge_rasters(arguments: dict[str, Any], report: convert.Report) -> dict[str, Any]:
    """Child process target: write the COG of several rasters; return what `convert_upload` does.

    Args:
        arguments: those of `convert_upload`, with `sources` (path and name of each, the last on
            top), `crs` and `resolution` (of the mosaic, "" and None to choose them) instead of
            source.

    Raises:
        ProcessingError: control_points, rasters_differ, crs_unknown, outside_crs, too_large,
            too_much_work; what `convert_upload` raises.
    """
    limits = Limits(**arguments["limits"])
    process_limits.limit_cpu(limits.seconds * convert.ESTIMATE_ERROR)
    report("merge", 0.0)
    path = Path(arguments["target"]).with_name("merged.tif")
    with ExitStack() as stack:
        stack.enter_context(rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True))
        parts = [
            Part.open(stack, Path(source["path"]), source["name"])
            for source in arguments["sources"]
        ]
        check_alike(parts)
        grid = choose_grid(parts, arguments["crs"], arguments["resolution"])
        missing = choose_missing(parts, grid)
        options = Options.from_parameters(arguments["parameters"])
        _check_size(parts, grid, missing, options, limits)
        smooth = options.values == "continuous"
        sources = [stack.enter_context(place.open(grid, smooth)) for place in grid.places]
        try:
            write(path, parts[0], grid, sources, missing, lambda share: report(None, share / 2))
        except rasterio.errors.RasterioError as error:
            raise convert.explain(error, path) from None
    return convert.convert_prepared(
        Prepared(path, Message("it was made of %(parts)s rasters", parts=len(parts))),
        arguments,
        lambda step, fraction: report(step, 0.5 + fraction / 2),
    )


def check_alike(parts: Sequence[Part]) -> None:
    """Refuse rasters whose pixels say different things.

    Raises:
        ProcessingError: control_points, rasters_differ.
    """

    def check(
        told: Callable[[Part], Any], property_of: Callable[[str], Message], cure: str
    ) -> None:
        found = [told(part) for part in parts]
        usual = Counter(found).most_common(1)[0][0]
        odd = [(part, value) for part, value in zip(parts, found, strict=True) if value != usual]
        if odd:
            said = {
                "name": odd[0][0].name,
                "has": property_of(str(odd[0][1])),
                "others": property_of(str(usual)),
                "cure": cure,
            }
            raise ProcessingError(
                "rasters_differ",
                Message(
                    "These rasters do not make one mosaic: “%(name)s” has %(has)s, the others "
                    "have %(others)s. %(cure)s",
                    **said,
                )
                if len(odd) == 1
                else Message(
                    "These rasters do not make one mosaic: “%(name)s” (and %(more)s more) has "
                    "%(has)s, the others have %(others)s. %(cure)s",
                    more=len(odd) - 1,
                    **said,
                ),
            )

    for part in parts:
        if part.dataset.gcps[0]:
            raise ProcessingError(
                "control_points",
                "“%(name)s” is placed by ground control points, so its rows and "
                "columns are no grid. Rectify it with `gdalwarp in.tif out.tif`, and "
                "take that.",
                name=part.name,
            )
    leave = Message("Leave it out, or give its pixels the meaning that those of the others have.")
    check(
        lambda part: len(part.colours),
        lambda value: Message("bands: %(value)s", value=value),
        Message("Convert it with the bands of the others."),
    )
    check(
        lambda part: part.facts.dtype,
        lambda value: Message("the type %(value)s", value=value),
        Message("Change it with `gdal_translate -ot`."),
    )
    check(_units, lambda value: Message("the units %(value)s", value=value), leave)
    check(_scaling, lambda value: Message("the scale and offset %(value)s", value=value), leave)
    check(
        lambda part: is_premultiplied(part.path),
        lambda value: Message("multiplied colours: %(value)s", value=value),
        leave,
    )
    check(
        _palette,
        lambda value: Message("the colour table %(value)s", value=value),
        Message("Give all of them the same colour table, or none."),
    )


def _units(part: Part) -> str:
    return ", ".join(part.facts.units[index - 1] or "none" for index in part.colours)


def _scaling(part: Part) -> str:
    scales, offsets = part.dataset.scales, part.dataset.offsets
    return ", ".join(f"{scales[i - 1]!r} and {offsets[i - 1]!r}" for i in part.colours)


def _palette(part: Part) -> str:
    """Return the colours of a raster that are not black, as what GDAL fills a table with is."""
    palette = (read_palette(part.dataset, 1) or {}) if part.facts.has_palette else {}
    table = [(value, bytes(colour).hex()) for value, colour in sorted(palette.items())]
    if not table:
        return "none"
    shown = [f"{value} {colour[:6]}" for value, colour in table if not colour.startswith("000000")]
    return ", ".join(shown)


@dataclass(frozen=True)
class Missing:
    """The way in which a mosaic marks pixels without a value."""

    nodata: float | int | None = None
    has_alpha: bool = False
    has_mask: bool = False


def choose_missing(parts: Sequence[Part], grid: Grid) -> Missing:
    """Return how missing pixels are marked: as in the parts, or in a way that suits all of them.

    A nodata value is kept only where all have it: in another raster it may be a value.
    """
    facts = [part.facts for part in parts]
    if any(one.has_alpha for one in facts):
        return Missing(has_alpha=True)
    first, nodata = facts[0], [representable(one.nodata, np.dtype(one.dtype)) for one in facts]
    if (
        nodata[0] is not None
        and all(_same(one, nodata[0]) for one in nodata)
        and not any(one.has_mask or one.has_large_nodata for one in facts)
    ):
        return Missing(nodata=first.nodata)
    complete = all(one is None for one in nodata) and not any(one.has_mask for one in facts)
    if complete and all(place.is_on_grid for place in grid.places) and _covers(grid):
        return Missing()
    return Missing(nodata=nan) if first.dtype.startswith("float") else Missing(has_mask=True)


def _same(one: float | int | None, other: float | int) -> bool:
    return one == other or (one is not None and isnan(one) and isnan(other))


def _covers(grid: Grid) -> bool:
    """Say whether the parts leave no gap."""
    return _count_covered(grid) == grid.width * grid.height


def _count_covered(grid: Grid) -> int:
    """Return how many pixels of a grid lie in one of the parts, or in several."""
    columns = sorted({e for p in grid.places for e in (p.column, p.column + p.width)})
    rows = sorted({e for p in grid.places for e in (p.row, p.row + p.height)})
    seen = np.zeros((len(rows), len(columns)), bool)
    for p in grid.places:
        seen[
            rows.index(p.row) : rows.index(p.row + p.height),
            columns.index(p.column) : columns.index(p.column + p.width),
        ] = True
    areas = np.outer(np.diff(rows, append=rows[-1]), np.diff(columns, append=columns[-1]))
    return int(areas[seen].sum())


def _check_size(
    parts: Sequence[Part], grid: Grid, missing: Missing, options: Options, limits: Limits
) -> None:
    """Refuse a mosaic that is too large, or too much work, before anything is begun.

    Raises:
        ProcessingError: too_large, too_much_work.
    """
    first = parts[0]
    count = len(first.colours) + missing.has_alpha
    facts = replace(
        first.facts,
        width=grid.width,
        height=grid.height,
        count=count,
        nodata=missing.nodata,
        has_mask=missing.has_mask,
        stored=_count_covered(grid) / (grid.width * grid.height),
        blocks=ceil(grid.width / _BLOCK) * ceil(grid.height / _BLOCK),
    )
    if facts.uncompressed > limits.uncompressed:
        raise ProcessingError(
            "too_large",
            "The mosaic would have %(width)s × %(height)s pixels, %(size)s "
            "GB when decoded; at most %(most)s GB are accepted. "
            "%(smaller)s",
            width=grid.width,
            height=grid.height,
            size=round(facts.uncompressed / 1000000000.0, 1),
            most=round(limits.uncompressed / 1000000000.0, 1),
            smaller=_SMALLER,
        )
    read = sum(
        part.facts.uncompressed * part.facts.stored * (1 if place.is_on_grid else REPROJECT)
        for part, place in zip(parts, grid.places, strict=True)
    )
    seconds = read / DECODE + facts.uncompressed * facts.stored / WRITE
    seconds += estimate_seconds(facts, facts, options)
    check_cost(seconds, limits.seconds, options, _SMALLER)


def write(
    path: Path,
    first: Part,
    grid: Grid,
    sources: Sequence[Any],
    missing: Missing,
    progress: Progress,
) -> None:
    """Write the mosaic, window by window, as a plain GeoTIFF.

    Args:
        sources: the datasets of the grid's places.
    """
    count = len(first.colours) + missing.has_alpha
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        crs=grid.crs,
        transform=grid.transform,
        width=grid.width,
        height=grid.height,
        count=count,
        dtype=first.facts.dtype,
        nodata=missing.nodata,
        tiled=True,
        blockxsize=_BLOCK,
        blockysize=_BLOCK,
        compress="zstd",
        zstd_level=1,
        sparse_ok=True,
        bigtiff="IF_SAFER",
        **({"alpha": "PREMULTIPLIED"} if is_premultiplied(first.path) else {}),
    ) as target:
        _describe_bands(target, first, missing)
        for share, window in windows(target, count):
            _write_window(target, grid, sources, missing, window)
            progress(share)


def _describe_bands(target: Any, first: Part, missing: Missing) -> None:
    source = first.dataset
    meanings = [source.colorinterp[index - 1] for index in first.colours]
    target.colorinterp = [*meanings, ColorInterp.alpha][: target.count]
    for number, index in enumerate(first.colours, start=1):
        target.set_band_description(number, first.facts.descriptions[index - 1])
        target.set_band_unit(number, first.facts.units[index - 1])
        tags = source.tags(index)
        target.update_tags(
            number, **{k: v for k, v in tags.items() if not k.startswith("STATISTICS_")}
        )
    rest = [1.0, 0.0] if missing.has_alpha else []
    target.scales = [*(source.scales[i - 1] for i in first.colours), *rest[:1]]
    target.offsets = [*(source.offsets[i - 1] for i in first.colours), *rest[1:]]
    if first.facts.has_palette and (palette := read_palette(source, 1)):
        target.write_colormap(1, palette)


def _write_window(
    target: Any, grid: Grid, sources: Sequence[Any], missing: Missing, window: Window
) -> None:
    colours = target.count - missing.has_alpha
    name = target.dtypes[0]
    dtype = np.dtype("complex64" if name == "complex_int16" else name)
    shape = int(window.height), int(window.width)
    values = np.full((target.count, *shape), missing.nodata or 0, dtype)
    known = np.zeros(shape, bool)
    found = False
    for place, source in zip(grid.places, sources, strict=True):
        left = max(place.column, int(window.col_off))
        top = max(place.row, int(window.row_off))
        right = min(place.column + place.width, int(window.col_off) + shape[1])
        bottom = min(place.row + place.height, int(window.row_off) + shape[0])
        if left >= right or top >= bottom:
            continue
        found = True
        there = Window(left - place.column, top - place.row, right - left, bottom - top)
        here = np.s_[
            top - int(window.row_off) : bottom - int(window.row_off),
            left - int(window.col_off) : right - int(window.col_off),
        ]
        pasted = _paste(
            values[:, *here], place.part, source, there, colours, has_mask=missing.has_mask
        )
        known[here] |= pasted
    if found:
        target.write(values, window=window)
        if missing.has_mask:
            target.write_mask(known, window=window)


def _paste(
    values: NDArray[Any],
    part: Part,
    source: Any,
    window: Window,
    colours: int,
    *,
    has_mask: bool,
) -> NDArray[np.bool_]:
    """Put what a part has in a window over what is there; return where it has something."""
    pixels = source.read(part.colours, window=window)
    valid, validity = np.ones(pixels.shape, bool), Validity(source)
    for number, (band, index) in enumerate(zip(pixels, part.colours, strict=True)):
        has_value = validity.valid(index, window, band)
        if has_value is not None:
            valid[number] = has_value
        if band.dtype.kind == "f":
            valid[number] &= ~np.isnan(band)
    if has_mask:  # one for all bands: what a band lacks would be a zero that counts
        valid[:] = valid.all(axis=0)
    np.copyto(values[:colours], pixels, where=valid)
    known: NDArray[np.bool_] = np.logical_or.reduce(valid)
    if len(values) > colours:
        opaque = np.iinfo(values.dtype).max if values.dtype.kind in "iu" else 255
        alpha = np.full(known.shape, opaque, values.dtype)
        if part.facts.has_alpha:
            alpha = source.read(part.facts.interpretations.index("alpha") + 1, window=window)
        np.copyto(values[colours], alpha, where=known)
    return known
