"""The plan for an inspected upload with the user's options, or why there can be none."""

import math
from dataclasses import replace

import numpy as np

from backend_django.processing.errors import ProcessingError
from backend_django.utils.messages import Message

from .inspection import Inspection
from .options import Options, parse_nodata


def apply_options(facts: Inspection, options: Options) -> Inspection:
    """Return what the header would say with the options applied.

    Raises:
        ProcessingError: no_such_band, nodata_unsuitable, crosses_antimeridian, nodata_needed.
    """
    if options.bands:
        facts = _with_bands(facts, options.bands)
    if options.nodata:
        facts = replace(facts, nodata=_usable_nodata(facts, options.nodata))
    _check_resampling(facts, options)
    if options.grid == "web" and facts.bounds[2] > 180:
        raise ProcessingError(
            "crosses_antimeridian",
            "The raster lies on both sides of 180° longitude, where the grid of web maps ends. "
            "Keep the raster's own grid: its map shows it whole.",
        )
    if options.grid == "web" and not _has_room_for_missing(facts):
        raise ProcessingError(
            "nodata_needed",
            "On the grid of web maps a raster has empty corners, and these "
            "%(dtype)s pixels have no value that means “empty”. Give a nodata "
            "value in the options, or keep the raster's own grid.",
            dtype=facts.dtype,
        )
    return facts


def missing_value(options: Options) -> tuple[float | int | None] | None:
    """Return the value of missing pixels as it was asked for; None for that of the file."""
    return (parse_nodata(options.nodata),) if options.nodata else None


def _with_bands(facts: Inspection, bands: tuple[int, ...]) -> Inspection:
    missing = [band for band in bands if band > facts.count]
    if missing:
        has = (
            Message("only one band")
            if facts.count == 1
            else Message("only %(count)s bands", count=facts.count)
        )
        raise ProcessingError(
            "no_such_band",
            "Band %(band)s was asked for, but the raster has %(has)s. Choose other bands.",
            band=missing[0],
            has=has,
        )
    return replace(
        facts,
        count=len(bands),
        interpretations=tuple(facts.interpretations[band - 1] for band in bands),
        descriptions=tuple(facts.descriptions[band - 1] for band in bands),
        units=tuple(facts.units[band - 1] for band in bands),
    )


def _usable_nodata(facts: Inspection, text: str) -> float | int | None:
    value = parse_nodata(text)
    if value is None:
        return None
    if facts.dtype.startswith(("float", "complex")):
        return value
    limits = np.iinfo(facts.dtype)
    if not (
        math.isfinite(value) and value == int(value) and limits.min <= int(value) <= limits.max
    ):
        raise ProcessingError(
            "nodata_unsuitable",
            "No pixel of type %(dtype)s can have the nodata value %(text)s. Choose "
            "a whole number from %(min)s to %(max)s, or “none”.",
            dtype=facts.dtype,
            text=text,
            min=limits.min,
            max=limits.max,
        )
    return int(value)


def _check_resampling(facts: Inspection, options: Options) -> None:
    """Refuse what would make GDAL lose nodata: all but “nearest” computes with doubles."""
    resampling = options.overview_resampling
    if facts.has_large_nodata and (options.grid == "web" or resampling not in {"auto", "nearest"}):
        raise ProcessingError(
            "nodata_unsuitable",
            "The nodata value %(nodata)s has too many digits for resampling. Keep "
            "the raster's own grid and choose “auto” or “nearest” overviews, or "
            "give the missing pixels another value.",
            nodata=str(facts.nodata),
        )
    if resampling == "mode" and facts.dtype in {"int64", "uint64"} and facts.nodata:
        raise ProcessingError(
            "nodata_unsuitable",
            "Overviews by “mode” would fill missing pixels of 64-bit integers with 0. Choose "
            "“nearest” overviews, or convert the raster with `gdal_translate -ot Int32`.",
        )


def _has_room_for_missing(facts: Inspection) -> bool:
    """Return whether pixels can be marked as empty; GDAL adds an alpha band to 8-bit pictures."""
    return (
        facts.nodata is not None
        or facts.has_alpha
        or facts.has_mask
        or facts.dtype.startswith("float")
        or (facts.dtype == "uint8" and not facts.has_palette)
    )
