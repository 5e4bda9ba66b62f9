"""The footprint of a raster's valid values, as a GeoJSON geometry."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .georeference import pixel_to_degrees

Array = NDArray[np.float64]
Ring = list[list[float]]

_MASK_PIXELS = 512  # the overview whose mask is looked at has about this many pixels a side
_MASK_BANDS = 8
_EDGE_PARTS = 8  # a side of the raster is a curve on the globe: in this many straight parts
_DIGITS = 7  # of degrees: centimetres


def footprint(dataset: Any, bounds: Sequence[float]) -> dict[str, Any]:
    """Return the convex hull of the valid pixels: a Polygon, or a MultiPolygon cut at 180 degrees.

    Args:
        bounds: west, south, east, north in degrees, which stand for a raster around the globe or
            over a pole.
    """
    corners = _valid_corners(dataset)
    columns, rows = _densify(_hull(corners), max(dataset.width, dataset.height) / _EDGE_PARTS)
    longitude, latitude = pixel_to_degrees(dataset)(columns, rows)
    if (
        bounds[2] - bounds[0] < 359.9
        and np.isfinite(longitude).all()
        and np.isfinite(latitude).all()
    ):
        closed = np.unwrap(np.append(longitude, longitude[0]), period=360)
        if abs(closed[-1] - closed[0]) < 180 and np.ptp(closed) < 359:
            return _geometry(closed[:-1], np.clip(latitude, -90, 90))
    west, south, east, north = bounds
    return _geometry(np.array([west, east, east, west]), np.array([south, south, north, north]))


def _valid_corners(dataset: Any) -> Array:
    """Return the outer corners, as (column, row), of the first and last valid pixel of each row."""
    whole = np.array(
        [[0, 0], [dataset.width, 0], [dataset.width, dataset.height], [0, dataset.height]], float
    )
    factor = max(1.0, max(dataset.width, dataset.height) / _MASK_PIXELS)
    shape = max(1, round(dataset.height / factor)), max(1, round(dataset.width / factor))
    valid = _mask(dataset, shape) > 0
    if valid.all() or not valid.any():
        return whole
    rows = np.flatnonzero(valid.any(axis=1))
    first = valid[rows].argmax(axis=1)
    last = shape[1] - valid[rows, ::-1].argmax(axis=1)
    points = [
        np.stack([columns, rows + below], axis=1) for columns in (first, last) for below in (0, 1)
    ]
    return np.concatenate(points) * [dataset.width / shape[1], dataset.height / shape[0]]


def _mask(dataset: Any, shape: tuple[int, int]) -> Array:
    """Return where some band has a value; of a cube some bands are asked.

    The bands of a cube are in the same blocks, which GDAL decodes for each of them here.
    """
    if dataset.count <= 2 * _MASK_BANDS:
        return np.asarray(dataset.dataset_mask(out_shape=shape))
    bands = dataset.indexes[:: dataset.count // _MASK_BANDS]
    return np.asarray(dataset.read_masks(bands, out_shape=(len(bands), *shape)).max(axis=0))


def _hull(points: Array) -> Array:
    """Return the convex hull of points by Andrew's monotone chain, as a ring that is not closed."""
    ordered = np.unique(points, axis=0)

    def half(points: Array) -> list[Array]:
        chain: list[Array] = []
        for point in points:
            while len(chain) >= 2:
                (ax, ay), (bx, by) = chain[-1] - chain[-2], point - chain[-2]
                if ax * by - ay * bx > 0:
                    break
                chain.pop()
            chain.append(point)
        return chain[:-1]

    return np.array(half(ordered) + half(ordered[::-1]))


def _densify(ring: Array, longest: float) -> tuple[Array, Array]:
    """Return columns and rows of a ring whose sides are at most `longest` pixels."""
    parts = []
    for start, end in zip(ring, np.roll(ring, -1, axis=0), strict=True):
        count = max(1, int(np.ceil(np.hypot(*(end - start)) / longest)))
        parts.append(start + (end - start) * np.linspace(0, 1, count, endpoint=False)[:, None])
    columns, rows = np.concatenate(parts).T
    return columns, rows


def _geometry(longitude: Array, latitude: Array) -> dict[str, Any]:
    ring = np.stack([longitude, latitude], axis=1)
    ring[:, 0] -= (ring[:, 0].min() + 180) // 360 * 360
    if ring[:, 0].max() <= 180:
        return {"type": "Polygon", "coordinates": [_closed(ring)]}
    west, east = _cut(ring, -1), _cut(ring, 1) - [360, 0]
    return {"type": "MultiPolygon", "coordinates": [[_closed(west)], [_closed(east)]]}


def _cut(ring: Array, side: int) -> Array:
    """Return the part of a ring west (-1) or east (1) of 180 degrees, after Sutherland-Hodgman."""
    kept: list[Array] = []
    for start, end in zip(ring, np.roll(ring, -1, axis=0), strict=True):
        inside = [side * (point[0] - 180) >= 0 for point in (start, end)]
        if inside[0]:
            kept.append(start)
        if inside[0] != inside[1]:
            kept.append(start + (end - start) * (180 - start[0]) / (end[0] - start[0]))
    return np.array(kept)


def _closed(ring: Array) -> Ring:
    """Return a ring counterclockwise and closed, as RFC 7946 wants it."""
    x, y = ring.T
    if float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) < 0:
        ring = ring[::-1]
    rounded = ring.round(_DIGITS).tolist()
    return [*rounded, rounded[0]]
