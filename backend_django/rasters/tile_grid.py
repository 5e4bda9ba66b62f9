"""The pyramid of map tiles (Web Mercator, XYZ): which there are, and which a raster is in."""

import math
from collections.abc import Sequence

MAX_ZOOM = 24
HALF_WORLD = math.pi * 6378137.0  # metres of Web Mercator from the middle to its edge


def tile_exists(z: int, x: int, y: int) -> bool:
    """Say whether there is such a tile in the pyramid at all."""
    return 0 <= z <= MAX_ZOOM and 0 <= x < 2**z and 0 <= y < 2**z


def tile_range(bounds: Sequence[float], z: int) -> tuple[range, range]:
    """Return the columns and rows of the tiles around bounds; columns may lie beyond 2**z."""
    west, south, east, north = bounds
    margin = 0.02 * max(east - west, north - south) + 1e-6
    side = 2**z

    def row(latitude: float) -> int:
        sine = math.sin(math.radians(max(-85.06, min(85.06, latitude))))
        return min(side - 1, max(0, math.floor(side * (0.5 - math.atanh(sine) / (2 * math.pi)))))

    first, last = (
        math.floor(side * (longitude + 180) / 360) for longitude in (west - margin, east + margin)
    )
    columns = range(side) if last - first + 1 >= side else range(first, last + 1)
    return columns, range(row(north + margin), row(south - margin) + 1)


def within_range(bounds: Sequence[float], z: int, x: int, y: int) -> bool:
    """Say whether a tile is one of `tile_range`."""
    columns, rows = tile_range(bounds, z)
    return y in rows and any(x + turn in columns for turn in (0, 2**z, -(2**z)))
