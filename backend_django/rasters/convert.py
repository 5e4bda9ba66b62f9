"""GeoTIFF to Cloud-Optimized GeoTIFF, as the target of a child process that knows no Django.

GDAL's COG driver reads the upload directly. rio-cogeo's own converter goes through a temporary
copy, which takes more processor time and a multiple of the memory, and tells no progress; it
remains the judge of the result.
"""

import logging
import os
import re
import resource
import shutil
import threading
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from backend_django.processing.errors import ProcessingError

from . import gdal
from .describe import describe
from .inspection import Inspection, Limits, inspect
from .recipe import choose_recipe

logger = logging.getLogger(__name__)
Report = Callable[[str | None, float], None]

# Converting has the more of the bar the larger the raster is: FIXED_SECONDS for all the rest
# against the bytes at THROUGHPUT.
FIXED_SECONDS = 0.5
THROUGHPUT = 25e6  # uncompressed bytes per second and core

# GDAL counts pixels: a quarter of them are the overviews', which come first. They also are when the
# upload is decoded, so the cheaper the compression, the larger their part of the time.
OVERVIEW_PIXELS = 0.25
OVERVIEW_TIME = {"deflate": 0.36, "zstd": 0.52}

_FREE_BYTES_WHEN_FULL = 64 * 1024**2


def convert_upload(arguments: dict[str, Any], report: Report) -> dict[str, Any]:
    """Child process target: write the COG and return what there is to say about it.

    Args:
        arguments: source and target (paths), profile (see recipe.py), limits (see inspection.py).
        report: told the step (inspect, convert, check, describe) and the fraction of the whole.

    Raises:
        ProcessingError: what `inspect` and `choose_recipe` refuse; damaged_pixels, disk_full,
            invalid_cog.
    """
    source, target = Path(arguments["source"]), Path(arguments["target"])
    report("inspect", 0.0)
    facts = inspect(source, Limits(**arguments["limits"]))
    _limit_file_size(facts)
    cores = available_cores()
    seconds = facts.uncompressed / THROUGHPUT / cores
    overview_time = OVERVIEW_TIME.get(arguments["profile"], OVERVIEW_PIXELS)
    begin, end = 0.05, 0.05 + 0.95 * seconds / (seconds + FIXED_SECONDS)
    report("convert", begin)
    # Importing the validator takes longer than validating; GDAL leaves the interpreter free.
    preload = threading.Thread(target=import_module, args=["rio_cogeo.cogeo"])
    preload.start()
    recipe = choose_recipe(source, facts, arguments["profile"])
    options = {**recipe, "NUM_THREADS": str(cores)}

    def progress(pixels: float) -> None:
        time = np.interp(pixels, (0, OVERVIEW_PIXELS, 1), (0, overview_time, 1))
        report("convert", begin + (end - begin) * float(time))

    try:
        gdal.copy(source, target, "COG", options, facts.descriptions, progress)
    except gdal.CopyFailedError as error:
        raise _explain(error, target) from None
    preload.join()
    report("check", end)
    validation = validate(target)
    report("describe", end + (1 - end) * 0.4)
    result = describe(target, facts)
    report("describe", 1.0)
    return {**result, "profile": arguments["profile"], "validation": validation}


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

    valid, errors, warnings = cog_validate(path, strict=True, quiet=True)
    if not valid:
        logger.error("invalid COG: %s %s", errors, warnings)
        raise ProcessingError(
            "invalid_cog",
            "The converted raster did not pass its final check, so it was thrown away. This is a "
            "fault on our side: please report it with the number of this request.",
        )
    return {"valid": True, "errors": list(errors), "warnings": list(warnings)}


def _limit_file_size(facts: Inspection) -> None:
    """Let this process write no file much larger than the raster can become."""
    largest = facts.uncompressed * 2 + 64 * 1024**2
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    if hard == resource.RLIM_INFINITY or largest < hard:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest, hard))


def _explain(error: gdal.CopyFailedError, target: Path) -> Exception:
    logger.warning("GDAL gave up: %s", error)
    if re.search("memory|allocate", str(error), re.IGNORECASE):
        return MemoryError()
    if shutil.disk_usage(target.parent).free < _FREE_BYTES_WHEN_FULL:
        return ProcessingError("disk_full", "The server has no disk space left. Try again later.")
    return ProcessingError(
        "damaged_pixels",
        "The raster's pixels cannot be read to the end: the file is damaged or incomplete. Check "
        "it with `gdalinfo -checksum`, or export it again.",
    )
