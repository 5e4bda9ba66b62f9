"""The place of a raster: from pixels to its own coordinates and to degrees."""

import warnings
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio._err import CPLE_BaseError
from rasterio.control import GroundControlPoint
from rasterio.crs import CRS
from rasterio.errors import CRSError
from rasterio.transform import GCPTransformer
from rasterio.warp import transform as transform_coordinates
from rasterio.windows import Window

Array = NDArray[np.float64]
PixelFunction = Callable[[Array, Array], tuple[Array, Array]]

_SAMPLES = 33  # points along each side of the raster that are looked at
_CELLS = 128  # along the longer side, where the size of a pixel is looked at
_RADIUS, _ECCENTRICITY = 6378137.0, 0.0066943799901413165  # of WGS 84: metres, and squared
_HALVINGS = 24  # of the distance between two samples: a thousandth of a pixel and less


def crs_of(dataset: Any) -> Any:
    """Return the CRS of a dataset: its own, or that of its ground control points."""
    return dataset.crs or dataset.gcps[1]


def lacking_grid(crs: Any, bounds: Sequence[float]) -> tuple[float | None, str]:
    """Return by how many metres places may be off, and which grid of PROJ would make it less.

    Args:
        bounds: west, south, east, north in degrees.

    Returns:
        None and "" where no better transformation to WGS 84 is known than the one in use.
    """
    code = crs.to_epsg() or 0
    if code in (4326, 3857) or 32601 <= code <= 32660 or 32701 <= code <= 32760:
        return None, ""  # WGS 84 itself
    from pyproj.transformer import AreaOfInterest, TransformerGroup  # takes a tenth of a second

    west, south, east, north = bounds
    area = AreaOfInterest(west, south, east - 360 if east > 180 else east, north)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the best one is not available is what is asked
        group = TransformerGroup(crs.to_wkt(), "EPSG:4326", area_of_interest=area)
    if group.best_available or not group.transformers or not group.unavailable_operations:
        return None, ""
    used, best = group.transformers[0].accuracy, group.unavailable_operations[0]
    grids = [grid.short_name for grid in best.grids if not grid.available]
    if not grids or not 0 <= best.accuracy < used:
        return None, ""
    return used, grids[0]


def pixel_to_crs(dataset: Any) -> PixelFunction:
    """Return a function from (columns, rows), with 0, 0 the outer corner, to coordinates."""
    if dataset.gcps[0]:
        points = ground_control_points(dataset)
        return lambda columns, rows: _by_points(points, columns, rows, "xy")
    return _affine(dataset.transform)


def crs_to_pixel(dataset: Any) -> PixelFunction:
    """Return the inverse of `pixel_to_crs`."""
    if dataset.gcps[0]:
        points = ground_control_points(dataset)
        return lambda x, y: _by_points(points, x, y, "rowcol")
    return _affine(~dataset.transform)


def _affine(t: Any) -> PixelFunction:
    return lambda x, y: (t.a * x + t.b * y + t.c, t.d * x + t.e * y + t.f)


def ground_control_points(dataset: Any) -> list[GroundControlPoint]:
    """Return the points of a dataset, with longitudes that go on beyond the antimeridian."""
    points, crs = dataset.gcps
    turn = full_turn(crs) if crs else 0.0
    if not turn or np.ptp([point.x for point in points]) <= turn / 2:
        return list(points)
    return [
        GroundControlPoint(point.row, point.col, point.x + (turn if point.x < 0 else 0), point.y)
        for point in points
    ]


def _by_points(
    points: list[GroundControlPoint], first: Array, second: Array, direction: str
) -> tuple[Array, Array]:
    with GCPTransformer(points) as transformer:
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


def full_turn(crs: CRS) -> float:
    """Return what is once around the globe in the units of a geographic CRS, 0 for any other."""
    return 2 * np.pi / float(crs.units_factor[1]) if crs.is_geographic else 0.0


def pixel_to_degrees(dataset: Any) -> PixelFunction:
    """Return a function from (columns, rows) to longitudes and latitudes (EPSG:4326).

    By PROJ, whatever the CRS is: degrees of another datum or prime meridian are other degrees.
    Longitudes are as PROJ gives them, so they may jump at the antimeridian; a place that the CRS
    does not reach is infinite.

    Raises (the function):
        rasterio.errors.CRSError: there is no way from the CRS to degrees.
    """
    crs, locate = crs_of(dataset), pixel_to_crs(dataset)
    pole = full_turn(crs) / 4

    def place(columns: Array, rows: Array) -> tuple[Array, Array]:
        x, y = locate(columns, rows)
        if pole:  # a global grid of pixel centres may reach half a pixel beyond it
            y = np.clip(y, -pole, pole)
        found = to_degrees(crs, x.ravel(), y.ravel())
        longitude, latitude = (np.asarray(values, float).reshape(x.shape) for values in found)
        return longitude, latitude

    return place


def geographic_bounds(dataset: Any) -> list[float] | None:
    """Return west, south, east, north of a dataset in degrees (EPSG:4326).

    West is in [-180, 180); east is beyond 180 when the raster crosses the antimeridian. None when
    no place on Earth corresponds to the coordinates. Found by looking at points, so they are not
    exact where the edge is a curve.

    Raises:
        rasterio.errors.CRSError: there is no way from its CRS to degrees.
    """
    columns, rows = np.meshgrid(
        np.linspace(0, dataset.width, _SAMPLES), np.linspace(0, dataset.height, _SAMPLES)
    )
    turn = full_turn(crs_of(dataset))
    if turn:
        x, y = pixel_to_crs(dataset)(columns, rows)
        if np.abs(y).max() > turn * 0.264 or np.abs(x).max() > 2 * turn or np.ptp(x) > turn * 1.003:
            return None
    place = pixel_to_degrees(dataset)
    longitude, latitude = place(columns, rows)
    finite = np.isfinite(longitude) & np.isfinite(latitude)
    if not finite.any():
        return None
    if finite.all():
        longitude[:, 0] = np.unwrap(longitude[:, 0], period=360)
        longitude = np.unwrap(longitude, period=360, axis=1)
    else:
        edge = _edge_of_reach(place, columns, rows, finite)
        longitude = np.append(longitude[finite], edge[0])
        latitude = np.append(latitude[finite], edge[1])
    west, east = float(longitude.min()), float(longitude.max())
    poles = [] if turn else _poles_within(dataset, place)
    south, north = min([float(latitude.min()), *poles]), max([float(latitude.max()), *poles])
    # With a pole inside, the samples leave a gap.
    if east - west >= (360 if turn else 330) - 0.01:
        return [-180.0, south, 180.0, north]
    turns = (west + 180) // 360 * 360
    return [west - turns, south, east - turns, north]


def _poles_within(dataset: Any, place: PixelFunction) -> list[float]:
    """Return the latitudes of the poles that lie in a raster whose CRS is not geographic."""
    found = []
    for latitude in (-90.0, 90.0):
        try:
            x, y = transform_coordinates("EPSG:4326", crs_of(dataset), [0.0], [latitude])
        except CPLE_BaseError:  # it has no place in this CRS
            continue
        with np.errstate(invalid="ignore"):
            column, row = crs_to_pixel(dataset)(np.array(x), np.array(y))
        inside = (column >= 0) & (column <= dataset.width) & (row >= 0) & (row <= dataset.height)
        if inside[0] and abs(place(column, row)[1][0] - latitude) < 1e-6:
            found.append(latitude)
    return found


def _edge_of_reach(
    place: PixelFunction, columns: Array, rows: Array, finite: NDArray[np.bool_]
) -> tuple[Array, Array]:
    """Return the outermost places that a CRS reaches, on the lines between samples.

    A full-disk satellite picture ends inside of its raster, and the last degrees before its limb
    are the narrowest pixels.
    """
    points = np.stack([columns, rows], axis=-1)
    inside, outside = [], []
    for axis in (0, 1):
        near, far = (np.moveaxis(points, axis, 0)[part] for part in (slice(-1), slice(1, None)))
        seen, sees = (np.moveaxis(finite, axis, 0)[part] for part in (slice(-1), slice(1, None)))
        for within, beyond, there in ((near, far, seen & ~sees), (far, near, sees & ~seen)):
            inside.append(within[there])
            outside.append(beyond[there])
    within, beyond = np.concatenate(inside), np.concatenate(outside)
    for _ in range(_HALVINGS):
        middle = (within + beyond) / 2
        there = np.all(np.isfinite(place(*middle.T)), axis=0, keepdims=True).T
        within, beyond = np.where(there, middle, within), np.where(there, beyond, middle)
    return place(*within.T)


class PixelAreas:
    """The size of pixels on the ellipsoid of WGS 84, in square metres.

    Exact in a grid of degrees, and interpolated between pixels where it is computed in any other.
    """

    def __init__(self, dataset: Any) -> None:
        self._shape, self._to_degrees = dataset.shape, pixel_to_degrees(dataset)
        self._of_rows: Array | None = None
        t, is_turned = dataset.transform, dataset.transform.b or dataset.transform.d
        if not (dataset.gcps[0] or is_turned) and dataset.crs and dataset.crs.is_geographic:
            unit = float(dataset.crs.units_factor[1])
            edges = (t.f + t.e * np.arange(dataset.height + 1)) * unit
            zones = _area_to_latitude(np.clip(edges, -np.pi / 2, np.pi / 2))
            self._of_rows = np.abs(np.diff(zones) * t.a * unit)

    @cached_property
    def _nodes(self) -> Array:
        return self._measure(
            *(np.linspace(0, size - 1, min(size, _CELLS + 1)) + 0.5 for size in self._shape)
        )

    def of(self, window: Window) -> Array:
        """Return the area of each pixel of a window; 0 beyond what the CRS reaches."""
        rows, columns = (
            np.arange(start, start + size)
            for start, size in (
                (window.row_off, window.height), (window.col_off, window.width),
            )
        )  # fmt: skip
        if self._of_rows is not None:
            return np.broadcast_to(self._of_rows[rows, None], (len(rows), len(columns)))
        areas = self._nodes
        for axis, places in enumerate((rows, columns)):
            last = areas.shape[axis] - 1
            at = places * (last / max(1, self._shape[axis] - 1))
            before = np.minimum(at.astype(int), max(0, last - 1))
            share = np.expand_dims(at - before, 1 - axis)
            first, second = (
                areas.take(np.minimum(before + step, last), axis=axis) for step in (0, 1)
            )
            areas = first * (1 - share) + second * share
        beyond = np.isnan(areas)
        if beyond.any():  # the edge of what the CRS reaches is near
            areas[beyond] = np.nan_to_num(self._measure(rows + 0.5, columns + 0.5))[beyond]
        return areas

    def _measure(self, rows: Array, columns: Array) -> Array:
        """Return the areas of pixels around places; NaN beyond what the CRS reaches."""
        across, down = np.meshgrid(columns, rows)
        sides = np.array([[0.5, 0], [-0.5, 0], [0, 0.5], [0, -0.5]])
        longitude, latitude = self._to_degrees(
            *(values.ravel() + sides[:, [axis]] for axis, values in enumerate((across, down)))
        )
        with np.errstate(invalid="ignore"):
            longitude = np.unwrap(np.radians(longitude), axis=0)
            latitude = np.radians(latitude)
            (east, up), (along, south) = (
                (longitude[a] - longitude[b], latitude[a] - latitude[b])
                for a, b in ((0, 1), (2, 3))
            )
            sine = np.sin(latitude.mean(axis=0))
            metres = (1 - _ECCENTRICITY) * np.sqrt(1 - sine**2) / (1 - _ECCENTRICITY * sine**2) ** 2
            areas = _RADIUS**2 * metres * np.abs(east * south - up * along)
        return np.where(np.isfinite(areas), areas, np.nan).reshape(across.shape)


def _area_to_latitude(latitude: Array) -> Array:
    """Return the area between the equator and latitudes, in square metres for a radian of longitude
    (J. P. Snyder, Map Projections: A Working Manual, 1987, equation 3-12).
    """
    e, sine = np.sqrt(_ECCENTRICITY), np.sin(latitude)
    q = sine / (1 - (e * sine) ** 2) + np.arctanh(e * sine) / e
    return _RADIUS**2 * (1 - _ECCENTRICITY) / 2 * q
