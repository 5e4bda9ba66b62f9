"""The mapping from a tile's pixels to a raster's: the part that needs no file."""

import math
import threading
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]

TILE_SIZE = 256  # pixels
NODES = 17  # grid points along each side of a tile
_TOLERANCE = 0.1  # pixels of the tile the interpolation may be wrong by
_SINGLE = 4096  # columns or rows that 32-bit floats tell apart to a thousandth
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


def scale_amid(columns: Array, rows: Array) -> float:
    """Return what `find_scale` does, amid a tile, from columns and rows at the nodes."""
    middle = NODES // 2
    across, down = (
        math.hypot(*(float(a[after] - a[before]) for a in (columns, rows)))
        for before, after in (
            ((middle, middle - 1), (middle, middle + 1)),
            ((middle - 1, middle), (middle + 1, middle)),
        )
    )
    return math.sqrt(across * down) * (NODES - 1) / (TILE_SIZE - 1) / 2


def curvature(values: Array) -> float:
    """Estimate the error of interpolating linearly between the nodes of a grid."""
    between = [np.abs(v[1::2] - (v[:-2:2] + v[2::2]) / 2).max() for v in (values, values.T)]
    return float(max(between)) / 4  # half the distance, a quarter of the error


def may_interpolate(columns: Array, rows: Array) -> bool:
    """Say whether columns and rows at the nodes are enough to know those between them."""
    if not (np.isfinite(columns).all() and np.isfinite(rows).all()):
        return False
    spread = max(float(np.ptp(columns)), float(np.ptp(rows))) / TILE_SIZE
    return max(curvature(columns), curvature(rows)) <= _TOLERANCE * spread


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


def interpolate(values: Array, out: Array | None = None) -> Array:
    """Return what values at the nodes are at the centres of the pixels, in the same precision."""
    matrix = _interpolation_single() if values.dtype == np.float32 else interpolation()
    return np.matmul(matrix @ values, matrix.T, out=out)


@cache
def _interpolation_single() -> Array:
    return interpolation().astype(np.float32)


class _Scratch(threading.local):
    """Arrays of a thread. New ones are new memory of the system each time, and dearer to get
    than to fill.
    """

    def __init__(self) -> None:
        self.places = np.empty((2, TILE_SIZE, TILE_SIZE), np.float32)
        self.whole = np.empty((TILE_SIZE, TILE_SIZE), np.int32)
        self.index = np.empty((TILE_SIZE, TILE_SIZE), np.intp)


_scratch = _Scratch()


def place_pixels(columns: Array, rows: Array, shape: tuple[int, int]) -> tuple[Array, Array]:
    """Return the columns and rows of a tile's pixels from those at the nodes.

    They are good until the next call in this thread.

    Args:
        shape: of what they are columns and rows of.
    """
    if max(shape) > _SINGLE:
        return interpolate(columns), interpolate(rows)
    column, row = (
        interpolate(values.astype(np.float32), out)
        for values, out in zip((columns, rows), _scratch.places, strict=True)
    )
    return column, row


def pixel_index(columns: Array, rows: Array, shape: tuple[int, int]) -> NDArray[np.intp]:
    """Return where a tile's pixels are in a flat array, those outside at the nearest place.

    It is good until the next call in this thread.
    """
    index, whole = _scratch.index, _scratch.whole
    np.copyto(whole, rows, casting="unsafe")
    np.clip(whole, 0, shape[0] - 1, out=whole)
    np.multiply(whole, shape[1], out=index)
    np.copyto(whole, columns, casting="unsafe")
    np.clip(whole, 0, shape[1] - 1, out=whole)
    index += whole
    return index


def pick(values: NDArray[Any], index: NDArray[np.intp]) -> NDArray[Any]:
    """Return the pixels of each band that an index of `pixel_index` names."""
    picked = np.empty((len(values), *index.shape), values.dtype)
    for band, out in zip(values, picked, strict=True):
        np.take(band.ravel(), index, out=out, mode="clip")  # which they are: no check is needed
    return picked


def widen(
    columns: Array, rows: Array, inside: NDArray[np.bool_], size: tuple[int, int]
) -> tuple[Array, Array, NDArray[np.bool_]]:
    """Show a raster that is narrower than a pixel of the tile as if it were as wide as one.

    Otherwise it would lie between the centres of pixels, and be seen nowhere.

    Args:
        inside: which pixels of the tile are within the raster.
        size: its width and height.
    """
    distance = np.abs(columns - size[0] / 2) + np.abs(rows - size[1] / 2)
    distance = np.where(np.isfinite(distance), distance, np.inf)
    row, column = (min(n, TILE_SIZE - 2) for n in divmod(int(distance.argmin()), TILE_SIZE))
    margins = []
    for places, length in zip((columns, rows), size, strict=True):
        corner = places[row : row + 2, column : column + 2]
        step = float(abs(corner[0, 1] - corner[0, 0]) + abs(corner[1, 0] - corner[0, 0]))
        margins.append(max(0.0, (step - length) / 2) if math.isfinite(step) else 0.0)
    wide, high = margins
    if not (wide or high):
        return columns, rows, inside
    inside = (columns >= -wide) & (columns < size[0] + wide)
    inside &= (rows >= -high) & (rows < size[1] + high)
    columns = np.where(inside, np.clip(columns, 0, size[0] - 0.5), columns)
    rows = np.where(inside, np.clip(rows, 0, size[1] - 0.5), rows)
    return columns, rows, inside


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
