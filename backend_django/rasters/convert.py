"""GeoTIFF to Cloud-Optimized GeoTIFF, as the target of a child process that knows no Django.

Most rasters are written in one pass (`cog_writer.py`), the others by GDAL's COG driver. rio-cogeo's
own converter goes through a temporary copy, which takes more processor time and a multiple of the
memory, and tells no progress; it remains the judge of the result.
"""

import logging
import os
import re
import shutil
import signal
import threading
from collections.abc import Callable
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import rasterio

from backend_django.processing.errors import ProcessingError
from backend_django.utils.messages import Message
from backend_django.utils.text import clean_text

from . import gdal, process_limits
from .apply_options import apply_options, missing_value
from .classes import are_classes, may_be_classes
from .cog_writer import reason_for_gdal, write_cog
from .cost import check_cost, estimate_seconds
from .describe import describe
from .inspection import Inspection, Limits, codec_missing, inspect, read_facts
from .intake import Prepared, prepare
from .labels import Label
from .metadata import Item, fill_room, items_to_keep, room_for
from .options import Options
from .passthrough import is_lossy, overviews_show_pixels, reason_to_convert
from .recipe import LOSSY, block_size, choose_recipe
from .statistics import BandStatistics, measure
from .tiff import (
    HEIGHT,
    MASK,
    SUBFILE,
    TILE_WIDTH,
    WIDTH,
    Directory,
    is_premultiplied,
    read_directories,
)

logger = logging.getLogger(__name__)
Report = Callable[[str | None, float], None]

FIXED_SECONDS = 0.5  # for all but converting, which has the more of the bar the longer it takes
BEGIN = 0.05  # of the bar, for the header
MEASURING = 0.3  # of the time that the rest takes, for looking at every pixel

# GDAL counts pixels: a quarter of them are the overviews', which come first. They also are when the
# upload is decoded, so the cheaper the compression, the larger their part of the time.
OVERVIEW_PIXELS = 0.25
OVERVIEW_TIME = {"deflate": 0.36, "zstd": 0.52}

ESTIMATE_ERROR = 3  # times as long as the longest conversion: slow processors, dear compressions

_FREE_BYTES_WHEN_FULL = 64 * 1024**2


def convert_upload(arguments: dict[str, Any], report: Report) -> dict[str, Any]:
    """Child process target: write the COG and a preview; return what there is to say about them.

    Args:
        arguments: source, target, preview (paths), parameters (see options.py), limits (see
            inspection.py), inspect_seconds (at most, a whole number; as long as it takes without),
            confined (see intake.py).
        report: told the step (inspect, convert, check, describe) and the fraction of the whole.

    Raises:
        ProcessingError: what `inspect`, `apply_options`, `check_cost` and `choose_recipe` refuse;
            damaged_pixels, disk_full, invalid_cog.
    """
    target = Path(arguments["target"])
    options = Options.from_parameters(arguments["parameters"])
    report("inspect", 0.0)
    limits = Limits(**arguments["limits"])
    process_limits.limit_cpu(limits.seconds * ESTIMATE_ERROR)
    name, upload = arguments.get("name", ""), Path(arguments["source"])
    try:
        confined = arguments.get("confined", False)
        prepared = prepare(upload, name, options, target.parent, limits, confined=confined)
    except (gdal.CopyFailedError, rasterio.errors.RasterioError) as error:
        raise explain(error, target) from None
    return convert_prepared(prepared, arguments, report)


def convert_prepared(
    prepared: Prepared, arguments: dict[str, Any], report: Report
) -> dict[str, Any]:
    """Do what `convert_upload` does, with a GeoTIFF that stands alone."""
    target, source = Path(arguments["target"]), prepared.path
    options = Options.from_parameters(arguments["parameters"])
    limits, name = Limits(**arguments["limits"]), arguments.get("name", "")
    if seconds := arguments.get("inspect_seconds"):
        signal.alarm(seconds)  # ends the process, in GDAL's own code too; the engine knows why
    found = inspect(source, limits, options.bands)
    facts = apply_options(found, options)
    if seconds:
        signal.alarm(0)
    cost = estimate_seconds(found, facts, options)
    check_cost(cost, limits.seconds, options)
    process_limits.limit_files(facts.uncompressed, growth=8 if options.grid == "web" else 2)
    converting = cost / available_cores()
    end = BEGIN + (1 - BEGIN) * converting / (converting + FIXED_SECONDS)
    # Importing the validator takes longer than validating; GDAL leaves the interpreter free.
    preload = threading.Thread(target=import_module, args=["rio_cogeo.cogeo"])
    preload.start()
    begin = BEGIN

    def measuring(fraction: float) -> None:
        nonlocal begin
        begin = BEGIN + (end - BEGIN) * MEASURING * fraction
        report("measure", begin)

    def progress(fraction: float) -> None:
        report("convert", begin + (end - begin) * fraction)

    measuring(0.0)
    missing = missing_value(options)
    reason = prepared.because or reason_to_convert(source, found, options)
    measured: list[BandStatistics] = []
    classes = False
    try:
        if not reason or may_be_classes(source, facts, options):
            measured = measure(source, facts, options.bands, measuring, missing)
            classes = are_classes(source, facts, options, measured)
            known = [[v for v, _, _ in one.classes() or []] for one in measured]
            if not reason and not overviews_show_pixels(
                source, known if classes else None, lossy=is_lossy(source)
            ):
                reason = Message("its overviews do not show its pixels")
        if reason:
            recipe = choose_recipe(source, facts, options, classes=classes)
            by_gdal = reason_for_gdal(source, facts, options, recipe)
            if by_gdal and not measured:
                measured = measure(source, facts, options.bands, measuring, missing)
    except rasterio.errors.RasterioError as error:
        raise explain(error, target) from None
    progress(0.0)
    if reason:
        items = items_to_keep(source, facts, options.bands)
        try:
            if by_gdal:
                logger.info("GDAL writes this raster, because %s", by_gdal)
                _convert(source, target, recipe, found, facts, options, items, progress)
            else:
                counted = write_cog(
                    source, target, facts, options, recipe, items, found.descriptions, progress,
                    threads=available_cores(), count=not measured,
                )  # fmt: skip
                measured = measured or counted
        except (gdal.CopyFailedError, rasterio.errors.RasterioError, OSError) as error:
            raise explain(error, target) from None
    else:
        shutil.copyfile(source, target)
    preload.join()
    report("check", end)
    validation = validate(target)
    report("describe", end + (1 - end) * 0.4)
    written = read_facts(target)
    if options.grid == "web" or options.compression in LOSSY:  # the product has other pixels
        measured = measure(target, written, (), lambda share: None)
    result = describe(
        target,
        written,
        Path(arguments["preview"]),
        measured,
        classes=classes,
        file_name=name,
        labels=read_labels(arguments) | dict(prepared.labels),
    )
    report("describe", 1.0)
    return {
        **result,
        "acquired_at": found.acquired_at,
        "profile": options.profile,
        "kept": not reason,
        "converted_because": reason,
        "because_made_of": reason.to_json() if isinstance(reason, Message) else None,
        "validation": validation,
    }


def _convert(
    source: Path,
    target: Path,
    recipe: list[str],
    found: Inspection,
    facts: Inspection,
    options: Options,
    items: list[Item],
    progress: Callable[[float], None],
) -> None:
    """Have GDAL's driver write a raster."""
    overview_time = OVERVIEW_TIME.get(options.compression, OVERVIEW_PIXELS)
    settings = {"COG_TMP_COMPRESSION": _scratch_compression(source, facts, options)}
    if is_premultiplied(source):
        settings["GTIFF_ALPHA"] = "PREMULTIPLIED"

    def tick(pixels: float) -> None:
        progress(float(np.interp(pixels, (0, OVERVIEW_PIXELS, 1), (0, overview_time, 1))))

    with rasterio.Env(**settings):
        gdal.translate(source, target, recipe, found.descriptions, tick, room_for(items))
    fill_room(target, items)


def _scratch_compression(source: Path, facts: Inspection, options: Options) -> str:
    """Return how GDAL is to store overviews until their place in the file comes.

    Its ZSTD at level 9 is work for nothing where pixels are floating-point numbers. Without it
    they take a third of the raster's decoded size: not where that is more than the upload, nor
    where a raster is so narrow that whole blocks would be much more than its pixels.
    """
    is_wide = min(facts.width, facts.height) >= block_size(facts, options)
    plain = is_wide and facts.dtype.startswith("float") and options.grid != "web"
    return "NONE" if plain and facts.uncompressed / 3 < source.stat().st_size else "ZSTD"


def read_labels(arguments: dict[str, Any]) -> dict[int, Label]:
    """Return what is known of the classes of the rasters that this one is made of."""
    return {int(value): Label(*said) for value, said in arguments.get("labels", {}).items()}


def available_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def validate(path: Path) -> dict[str, Any]:
    """Return rio-cogeo's strict verdict on a COG of our own.

    Raises:
        ProcessingError: invalid_cog; never the user's fault.
    """
    from rio_cogeo.cogeo import cog_validate

    _, errors, warnings = cog_validate(path, strict=True, quiet=True)
    # It looks at widths alone: an image of one column of tiles is in strips to it, and overviews of
    # an image of one column of pixels are as large as the image.
    directories = read_directories(path)
    if all(TILE_WIDTH in directory.tags for directory in directories):
        errors = [error for error in errors if not error.endswith("is not tiled")]
    if directories[0].number(WIDTH) == 1 and _shrink(directories):
        errors = [error for error in errors if not error.startswith("Invalid Decimation")]
    if errors or warnings:
        logger.error("invalid COG: %s %s", errors, warnings)
        raise ProcessingError(
            "invalid_cog",
            "The converted raster did not pass its final check, so it was thrown away. This is a "
            "fault on our side: contact support with the reference of this request.",
        )
    return {"valid": True, "errors": list(errors), "warnings": list(warnings)}


def _shrink(directories: list[Directory]) -> bool:
    """Say whether each image is about half as high as the one before."""
    heights = [d.number(HEIGHT) for d in directories if not d.number(SUBFILE) & MASK]
    return all(abs(small - large / 2) < 1 for large, small in pairwise(heights))


def explain(error: Exception, target: Path) -> Exception:
    """Return what to raise when GDAL gave up."""
    said = gdal.whole_text(error)
    logger.warning("GDAL gave up: %s", clean_text(said))
    if gdal.lacks_codec(error):
        return codec_missing()
    if re.search("memory|allocate", said, re.IGNORECASE):
        return MemoryError()
    if shutil.disk_usage(target.parent).free < _FREE_BYTES_WHEN_FULL:
        return ProcessingError("disk_full", "The server has no disk space left. Try again later.")
    return ProcessingError(
        "damaged_pixels",
        "The raster's pixels cannot be read to the end: the file is damaged or incomplete. Check "
        "it with `gdalinfo -checksum`, or export it again.",
    )
