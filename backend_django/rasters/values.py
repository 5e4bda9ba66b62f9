"""Values of a raster at places and along lines. The work is bounded whatever is asked."""

from collections.abc import Sequence
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyproj import Geod

from .describe import plain_number
from .styles import Style
from .tiles import open_source

_GLOBE = Geod(ellps="WGS84")


def point_values(path: Path, longitude: float, latitude: float) -> list[Any]:
    """Return the value of each band at a place; None where it has none."""
    source = open_source(path)
    bands = range(1, source.count + 1)
    values, valid = source.values_at(np.array([longitude]), np.array([latitude]), bands)
    return _where_valid(values[:, 0], valid[:, 0])


def line_values(
    path: Path, places: Sequence[tuple[float, float]], band: int, samples: int
) -> tuple[float, list[Any]]:
    """Return the length of a line in metres, and values at equal distances along it."""
    corners = np.array(places, float)
    sides = np.array([_GLOBE.inv(*start, *end)[2] for start, end in pairwise(corners)])
    at = np.concatenate([[0.0], np.cumsum(sides)])
    wanted = np.linspace(0, at[-1], samples)
    longitude, latitude = (np.interp(wanted, at, corners[:, axis]) for axis in (0, 1))
    values, valid = open_source(path).values_at(longitude, latitude, [band])
    return float(at[-1]), _where_valid(values[0], valid[0])


def derive_statistics(path: Path, style: Style) -> dict[str, Any]:
    """Return the range and the histogram of what a style computes; None where nothing is."""
    source = open_source(path)
    found = source.sample(style.bands, style.terrain, complete=bool(style.expression))
    if style.expression:
        found = source.evaluate(style.expression, *found)
    values, mask = found
    valid = values[0] if mask is None else values[0][mask > 0]
    names = ("minimum", "maximum", "percentile_2", "percentile_98", "histogram")
    if not valid.size:
        return dict.fromkeys(names)
    numbers = [float(value) for value in np.percentile(valid, [0, 100, 2, 98])]
    histogram: dict[str, Any] | None = None
    with suppress(ValueError):  # the values differ by less than 64 bins can be apart
        counts, edges = np.histogram(valid, 64)
        histogram = {"counts": counts.tolist(), "edges": [float(edges[0]), float(edges[-1])]}
    return dict(zip(names, [*numbers, histogram], strict=True))


def _where_valid(values: NDArray[Any], valid: NDArray[np.bool_]) -> list[Any]:
    """Return values as JSON can hold them, the magnitudes of complex ones; None if not valid."""
    if np.iscomplexobj(values):
        values = np.abs(values)
    return [
        plain_number(value.item()) if is_valid else None
        for value, is_valid in zip(values, valid, strict=True)
    ]
