"""Where a raster is: pixels to its own coordinates and to degrees."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio._err import CPLE_BaseError
from rasterio.crs import CRS
from rasterio.errors import CRSError
from rasterio.transform import GCPTransformer
from rasterio.warp import transform as transform_coordinates

Array = NDArray[np.float64]
PixelFunction = Callable[[Array, Array], tuple[Array, Array]]

_SAMPLES = 33  # points along each side of the raster that are looked at


def crs_of(dataset: Any) -> Any:
    """Return the CRS of a dataset: its own, or that of its ground control points."""
    return dataset.crs or dataset.gcps[1]


def pixel_to_crs(dataset: Any) -> PixelFunction:
    """Return a function from (columns, rows), with 0, 0 the outer corner, to coordinates."""
    if dataset.gcps[0]:
        return lambda columns, rows: _by_points(dataset, columns, rows, "xy")
    return _affine(dataset.transform)


def crs_to_pixel(dataset: Any) -> PixelFunction:
    """Return the inverse of `pixel_to_crs`."""
    if dataset.gcps[0]:
        return lambda x, y: _by_points(dataset, x, y, "rowcol")
    return _affine(~dataset.transform)


def _affine(t: Any) -> PixelFunction:
    return lambda x, y: (t.a * x + t.b * y + t.c, t.d * x + t.e * y + t.f)


def _by_points(dataset: Any, first: Array, second: Array, direction: str) -> tuple[Array, Array]:
    with GCPTransformer(dataset.gcps[0]) as transformer:
        if direction == "xy":
            results = transformer.xy(second.ravel(), first.ravel(), offset="ul")
        else:
            rows, columns = transformer.rowcol(first.ravel(), second.ravel(), op=np.positive)
            results = columns, rows
    return tuple(np.asarray(values, float).reshape(first.shape) for values in results)  # type: ignore[return-value]


def to_degrees(crs: CRS, x: Array, y: Array) -> Any:
    """Return longitudes and latitudes of one-dimensional x and y; infinite beyond the CRS."""
    try:
        return transform_coordinates(crs, "EPSG:4326", x, y)
    except CPLE_BaseError:  # of one point that has no place; PROJ itself says which
        # Only now: it takes a tenth of a second to import.
        from pyproj import Transformer
        from pyproj.exceptions import ProjError

        try:
            return Transformer.from_crs(crs.to_wkt(), 4326, always_xy=True).transform(x, y)
        except ProjError as error:
            raise CRSError(str(error)) from None


def geographic_bounds(dataset: Any) -> list[float] | None:
    """Return west, south, east, north of a dataset in degrees (EPSG:4326).

    West is in [-180, 180); east is beyond 180 when the raster crosses the antimeridian. None when
    no place on Earth corresponds to the coordinates.

    Raises:
        rasterio.errors.CRSError: there is no way from its CRS to degrees.
    """
    columns, rows = np.meshgrid(
        np.linspace(0, dataset.width, _SAMPLES), np.linspace(0, dataset.height, _SAMPLES)
    )
    x, y = pixel_to_crs(dataset)(columns, rows)
    crs, full_turn = crs_of(dataset), 330  # with a pole inside, the samples leave a gap
    if crs.is_geographic and crs.units_factor[0] == "degree":
        # A global grid of pixel centres may reach half a pixel beyond the pole; metres do not.
        if np.abs(y).max() > 95 or np.abs(x).max() > 720 or np.ptp(x) > 361:
            return None
        longitude, latitude, full_turn = x, np.clip(y, -90, 90), 360
    else:
        found = to_degrees(crs, x.ravel(), y.ravel())
        longitude, latitude = (np.asarray(values, float).reshape(x.shape) for values in found)
        finite = np.isfinite(longitude) & np.isfinite(latitude)
        if not finite.any():
            return None
        if finite.all():
            longitude[:, 0] = np.unwrap(longitude[:, 0], period=360)
            longitude = np.unwrap(longitude, period=360, axis=1)
        else:
            longitude, latitude = longitude[finite], latitude[finite]
    west, east = float(longitude.min()), float(longitude.max())
    south, north = float(latitude.min()), float(latitude.max())
    if east - west >= full_turn - 0.01:
        return [-180.0, south, 180.0, north]
    turns = (west + 180) // 360 * 360
    return [west - turns, south, east - turns, north]
