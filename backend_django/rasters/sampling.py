"""How the pixels of a tile find theirs in a raster: what needs no file to be known."""

import math
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]

TILE_SIZE = 256  # pixels
NODES = 17  # grid points along each side of a tile
_FEW = 50  # values of a tile that has no others


def find_scale(columns: Array, rows: Array, inside: NDArray[np.bool_]) -> float:
    """Return how many pixels of the raster one of the tile covers, amid what is seen of it."""
    found = np.flatnonzero(inside)
    row, column = divmod(int(found[len(found) // 2]), TILE_SIZE)
    row, column = min(max(row, 1), TILE_SIZE - 2), min(max(column, 1), TILE_SIZE - 2)
    across, down = (
        math.hypot(*(float(a[after] - a[before]) / 2 for a in (columns, rows)))
        for before, after in (
            ((row, column - 1), (row, column + 1)),
            ((row - 1, column), (row + 1, column)),
        )
    )
    scale = math.sqrt(across * down)
    return scale if math.isfinite(scale) else math.inf


def curvature(values: Array) -> float:
    """Estimate the error of interpolating linearly between the nodes of a grid."""
    between = [np.abs(v[1::2] - (v[:-2:2] + v[2::2]) / 2).max() for v in (values, values.T)]
    return float(max(between)) / 4  # half the distance, a quarter of the error


@cache
def nodes() -> Array:
    """Return the grid's places along a side of a tile, in pixels.

    On the centres of the outer pixels: on the tile's edge longitude 180 may become -180.
    """
    return np.linspace(0.5, TILE_SIZE - 0.5, NODES)


@cache
def interpolation() -> Array:
    """Return the matrix that takes values at the nodes to the centres of the pixels."""
    position = np.arange(TILE_SIZE) / (TILE_SIZE - 1) * (NODES - 1)
    left = np.minimum(position.astype(int), NODES - 2)
    matrix = np.zeros((TILE_SIZE, NODES))
    matrix[np.arange(TILE_SIZE), left] = 1 - (position - left)
    matrix[np.arange(TILE_SIZE), left + 1] = position - left
    return matrix


def show_between(
    index: NDArray[np.int64], column: Array, row: Array, present: NDArray[np.uint8], reach: float
) -> bool:
    """Have values that lie between the centres of a tile's pixels shown at the nearest of them.

    A tile that has nothing else would be as empty as one without a value.

    Args:
        index: what each pixel of the tile shows, of what was read; changed in place.
        column: where its centre is in that; likewise `row`.
        present: the mask of what was read.
        reach: how far a value may be from the centre, in pixels of what was read.

    Returns:
        Whether there are such values.
    """
    places = np.argwhere(present)
    found = False
    for below, beside in places[:: len(places) // _FEW + 1]:
        distance = np.maximum(np.abs(column - beside - 0.5), np.abs(row - below - 0.5))
        nearest = np.unravel_index(distance.argmin(), distance.shape)
        if distance[nearest] <= reach:  # it is not beside the tile
            index[nearest] = below * present.shape[1] + beside
            found = True
    return found


def numpy_name(dtype: str) -> str:
    """Return what numpy calls a type of rasterio's."""
    return "complex64" if dtype == "complex_int16" else dtype


def representable(nodata: float | None, dtype: np.dtype[Any]) -> Any:
    """Return nodata as a value of the raster's type; None when no pixel can have it."""
    if nodata is None:
        return None
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        return dtype.type(nodata) if limits.min <= nodata <= limits.max else None
    with np.errstate(over="ignore"):
        return dtype.type(nodata)
