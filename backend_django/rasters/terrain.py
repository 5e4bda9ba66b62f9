"""Slope and shaded relief of elevations, as GDAL's `gdaldem` computes them (Horn's method)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyproj import Geod, Transformer
from rasterio.windows import Window

from .georeference import PixelFunction

Array = NDArray[np.floating[Any]]

_GLOBE = Geod(ellps="WGS84")
AZIMUTH, ALTITUDE = 315.0, 45.0  # degrees: where the light comes from


def derive_terrain(
    algorithm: str,
    heights: NDArray[Any],
    missing: NDArray[np.bool_] | None,
    steps: Array,
    factor: float = 1.0,
) -> Array:
    """Return slopes in degrees, or light from 1 to 255; NaN where there is no height.

    Args:
        heights: shape (rows, columns). At the edges they are continued.
        missing: where there is none.
        steps: metres to the east and to the north of one column and of one row, for each row:
            shape (rows, 2, 2), by (row, column or row, east or north).
        factor: metres in a unit of the heights.
    """
    z: Array = heights.astype(np.float64) * factor
    if missing is not None and missing.any():
        z[missing] = np.nan
    if min(z.shape) < 2:
        z_column = z_row = np.zeros_like(z)  # one row or column has no slope across it
    else:
        z_column, z_row = _differences(z)
    # What a column and a row rise by is what east and north rise by, in a grid that may be turned.
    (a, b), (c, d) = steps[:, 0].T[:, :, None], steps[:, 1].T[:, :, None]
    determinant = a * d - b * c
    with np.errstate(all="ignore"):
        east = (z_column * d - z_row * b) / determinant
        north = (z_row * a - z_column * c) / determinant
        squared = east**2 + north**2
        if algorithm == "slope":
            found = np.degrees(np.arctan(np.sqrt(squared)))
        else:
            azimuth, altitude = np.radians(AZIMUTH), np.radians(ALTITUDE)
            towards = east * np.sin(azimuth) + north * np.cos(azimuth)
            light = (np.sin(altitude) - np.cos(altitude) * towards) / np.sqrt(1 + squared)
            found = np.where(light <= 0, 1.0, 1.0 + 254.0 * light)
    found[np.isnan(z) | ~np.isfinite(found)] = np.nan
    return found


def ground_steps(
    to_crs: PixelFunction, from_degrees: Transformer, window: Window, shape: tuple[int, ...]
) -> Array:
    """Return what `derive_terrain` asks for, of a window that was read in some shape."""
    across, down = window.width / shape[1], window.height / shape[0]
    rows = window.row_off + (np.arange(shape[0]) + 0.5) * down
    columns = np.full_like(rows, window.col_off + window.width / 2)
    start, *ends = (
        from_degrees.transform(*to_crs(columns + right, rows + below), direction="INVERSE")
        for right, below in ((0, 0), (across, 0), (0, down))
    )
    steps = np.empty((shape[0], 2, 2))
    for axis, end in enumerate(ends):
        azimuth, _, length = _GLOBE.inv(*start, *end)
        turn = np.radians(azimuth)
        steps[:, axis] = np.transpose([length * np.sin(turn), length * np.cos(turn)])
    return steps


def _differences(z: Array) -> tuple[Array, Array]:
    """Return what z rises by from column to column and from row to row, by Horn's weights."""
    around = np.pad(z, 1, mode="reflect", reflect_type="odd")
    rows, columns = z.shape

    def neighbour(down: int, right: int) -> Array:
        found = around[1 + down : 1 + down + rows, 1 + right : 1 + right + columns]
        return np.where(np.isnan(found), z, found)

    z_column, z_row = np.zeros_like(z), np.zeros_like(z)
    for side, weight in ((-1, 1), (0, 2), (1, 1)):
        z_column += weight * (neighbour(side, 1) - neighbour(side, -1))
        z_row += weight * (neighbour(1, side) - neighbour(-1, side))
    return z_column / 8, z_row / 8
