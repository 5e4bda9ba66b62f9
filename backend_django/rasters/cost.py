"""The cost of a conversion, estimated from the header before it begins.

The bytes that were sent say nothing of it: a few hundred can describe ten thousand million pixels.
"""

import math

from backend_django.processing.errors import ProcessingError
from backend_django.utils.messages import Message

from .inspection import Inspection
from .options import Options
from .recipe import block_size, stays_sparse

# Of one core, for DEFLATE at level 1 with averaged overviews.
DECODE = 50e6  # bytes of pixels per second: GDAL's driver reads them twice
LOOK = 25e-9  # seconds for each sample that is counted
WRITE = 75e6
SKIP = 1.5e9  # of blocks that are in neither file
BLOCK = 100e-6  # seconds for each block of the upload, however small
ROW = 2.5e-6  # seconds for each row of each level, however short
REPROJECT = 5  # times as long as writing

_EARTH_RADIUS = 6378137.0  # metres
_MERCATOR_LATITUDE = 85.06


def estimate_seconds(found: Inspection, facts: Inspection, options: Options) -> float:
    """Return about how many seconds of one core a conversion will take, rather too many.

    Args:
        found: as the header says.
        facts: as it will say, with the options applied.
    """
    written, rows = _estimate_written(facts, options)
    decode = found.uncompressed * (found.stored / DECODE + (1 - found.stored) / SKIP)
    if options.grid == "web":
        write = written * REPROJECT / WRITE
    elif stays_sparse(facts, options):
        write = written * (facts.stored / WRITE + (1 - facts.stored) / SKIP)
    else:
        write = written / WRITE
    look = found.width * found.height * facts.count * found.stored * LOOK
    return found.blocks * BLOCK + rows * ROW + decode + look + write


def check_cost(seconds: float, limit: float, options: Options, way_out: str = "") -> None:
    """Refuse what would take too long, before anything is begun.

    Args:
        way_out: what to do then; what suits a single upload when left out.

    Raises:
        ProcessingError: too_much_work.
    """
    if seconds <= limit:
        return
    way_out = way_out or Message(
        "Cut it into parts, or store it in larger blocks if they are small."
    )
    if options.grid == "web":
        way_out = Message(
            "Keep the raster's own grid, which takes a fraction of it, or cut it into parts."
        )
    raise ProcessingError(
        "too_much_work",
        "Converting this raster would take about %(seconds)s minutes of "
        "processor time; at most %(limit)s are allowed for one request. "
        "%(way_out)s",
        seconds=round(seconds / 60),
        limit=round(limit / 60),
        way_out=way_out,
    )


def _estimate_written(facts: Inspection, options: Options) -> tuple[int, int]:
    """Return the bytes of the blocks, which reach beyond the raster, and the rows of all levels."""
    side = block_size(facts, options)
    pixel_bytes = facts.count * facts.sample_bytes + facts.has_mask
    width, height = web_size(facts) if options.grid == "web" else (facts.width, facts.height)
    blocks = math.ceil(width / side) * math.ceil(height / side)
    rows = height
    while max(width, height) > side:
        width, height = math.ceil(width / 2), math.ceil(height / 2)
        blocks += math.ceil(width / side) * math.ceil(height / side)
        rows += height
    return blocks * side**2 * pixel_bytes, rows


def web_size(facts: Inspection) -> tuple[int, int]:
    """Return about how large GDAL makes a raster on the grid of web maps: its diagonal stays."""
    west, south, east, north = facts.bounds
    bottom, top = (
        math.asinh(math.tan(math.radians(min(_MERCATOR_LATITUDE, max(-_MERCATOR_LATITUDE, y)))))
        for y in (south, north)
    )
    across, up = _EARTH_RADIUS * math.radians(east - west), _EARTH_RADIUS * (top - bottom)
    pixel = max(math.hypot(across, up) / math.hypot(facts.width, facts.height), 1e-3)
    return max(1, math.ceil(across / pixel)), max(1, math.ceil(up / pixel))
