"""GeoTIFF to Cloud-Optimized GeoTIFF, as the target of a child process that knows no Django.

GDAL's COG driver reads the upload directly: one pass over the full resolution, one over what it
makes the overviews of. See docs/decisions for why not rio-cogeo's own converter.
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

from backend_django.processing.errors import ProcessingError

from . import gdal
from .describe import describe
from .inspection import Inspection, Limits, inspect
from .recipe import choose_recipe

logger = logging.getLogger(__name__)
Report = Callable[[str | None, float], None]

# Ends of the steps on the bar, for a raster so small that only the fixed costs count. Converting
# takes the more of it the larger the raster is: FIXED_SECONDS against bytes at THROUGHPUT.
FIXED_SECONDS = 0.6
THROUGHPUT = 60e6  # uncompressed bytes per second and core, cautiously

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
    begin, end = 0.02, 0.02 + 0.93 * seconds / (seconds + FIXED_SECONDS)
    report("convert", begin)
    # Importing the validator takes longer than validating; GDAL leaves the interpreter free.
    preload = threading.Thread(target=import_module, args=["rio_cogeo.cogeo"])
    preload.start()
    recipe = choose_recipe(source, facts, arguments["profile"])
    options = {**recipe, "NUM_THREADS": str(cores)}
    try:
        gdal.copy(
            source, target, "COG", options, facts.descriptions,
            lambda fraction: report("convert", begin + (end - begin) * fraction),
        )  # fmt: skip
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
