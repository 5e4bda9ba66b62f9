"""Slope and shaded relief of elevations, as GDAL's `gdaldem` computes them (Horn's method)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyproj import Geod, Transformer
from rasterio.windows import Window

from .georeference import PixelFunction

Array = NDArray[np.floating[Any]]

_GLOBE = Geod(ellps="WGS84")
_SPACING = 8  # pixels from one to the next whose place on the ground is computed
_ROOM = 2e-3  # of their size, what interpolated steps may be wrong by
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
        steps: metres to the east and to the north of one column and of one row, of each pixel:
            shape (2, 2, rows, columns), by (column or row, east or north).
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
    (a, b), (c, d) = steps
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
    """Return what `derive_terrain` asks for, of a window that was read in some shape.

    It is computed of some pixels, and of those between them interpolated where that is exact
    enough: beside a pole, and where the CRS ends, it is not.
    """
    nodes = [_nodes(size) for size in shape]
    frame = (to_crs, from_degrees, window, shape)
    found = _measure(*frame, *np.meshgrid(*nodes, indexing="ij"))
    odd = _is_odd(found)
    down, across = (_between(places, size) for places, size in zip(nodes, shape, strict=True))
    steps: Array = down @ np.where(odd, 0, found) @ across.T
    if odd.any():
        rest = down @ odd.astype(float) @ across.T > 0
        steps[..., rest] = _measure(*frame, *np.nonzero(rest))
    return steps


def _measure(
    to_crs: PixelFunction,
    from_degrees: Transformer,
    window: Window,
    shape: tuple[int, ...],
    rows: NDArray[Any],
    columns: NDArray[Any],
) -> Array:
    """Return the steps at some pixels; NaN beyond what the CRS reaches."""
    across, down = window.width / shape[1], window.height / shape[0]
    right, below = window.col_off + (columns + 0.5) * across, window.row_off + (rows + 0.5) * down
    longitude, latitude = from_degrees.transform(*to_crs(right, below), direction="INVERSE")
    there = np.isfinite(longitude)
    steps = np.full((2, 2, *rows.shape), np.nan)
    right, below = right[there], below[there]
    for axis, place in enumerate(((right + across, below), (right, below + down))):
        end = from_degrees.transform(*to_crs(*place), direction="INVERSE")
        azimuth, _, length = _GLOBE.inv(longitude[there], latitude[there], *end)
        turn = np.radians(azimuth)
        steps[axis][:, there] = length * np.sin(turn), length * np.cos(turn)
    return steps


def _nodes(size: int) -> Array:
    if size <= 2 * _SPACING:
        return np.arange(float(size))
    return np.linspace(0, size - 1, -(-(size - 1) // _SPACING) + 1)


def _between(nodes: Array, size: int) -> Array:
    """Return the matrix that takes values at nodes to each of so many pixels."""
    places = np.arange(size)[:, None] * ((len(nodes) - 1) / max(1, size - 1))
    return np.maximum(0, 1 - np.abs(places - np.arange(len(nodes))))


def _is_odd(steps: Array) -> NDArray[np.bool_]:
    """Say around which nodes nothing is known, or the way to the next is not straight enough."""
    length = np.abs(steps).max(axis=(0, 1))
    odd: NDArray[np.bool_] = ~np.isfinite(length)
    for axis in (0, 1):
        if odd.shape[axis] > 2:
            with np.errstate(invalid="ignore"):
                bent = np.abs(np.diff(steps, 2, 2 + axis)).max(axis=(0, 1)) / 8
            room = _ROOM * length.take(range(1, odd.shape[axis] - 1), axis)
            sides = [(1, 1) if axis == side else (0, 0) for side in (0, 1)]
            odd |= np.pad(~(bent <= room), sides, mode="edge")
    return odd


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
