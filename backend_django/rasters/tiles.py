"""Map tiles (Web Mercator, XYZ, 256 pixels) from a COG of our own.

Where each pixel of a tile lies in the raster is computed on a grid of 17 × 17 points and
interpolated in between, as GDAL's warper does; where that is not exact enough, for each pixel.
The nearest pixel of the overview that fits is taken.
"""

import os
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

# One tile is one thread's work, and a cache that grows with the machine's memory is not wanted in
# every web process. Both are read when the libraries are loaded.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("GDAL_CACHEMAX", "200")  # MB, as an environment variable

import numpy as np
from numpy.typing import NDArray
from pyproj import Transformer
from rasterio.enums import MaskFlags
from rasterio.windows import Window

from .expressions import parse_expression
from .georeference import crs_of, crs_to_pixel, full_turn, pixel_to_crs
from .handles import Handle
from .images import Picture, draw, unmultiply
from .sampling import (
    NODES,
    TILE_SIZE,
    Array,
    find_scale,
    interpolate,
    may_interpolate,
    nodes,
    numpy_name,
    pick,
    pixel_index,
    place_pixels,
    representable,
    scale_amid,
    show_between,
    widen,
)
from .styles import Style, Terrain
from .terrain import derive_terrain, ground_steps
from .tiff import is_premultiplied, level_shapes
from .tile_grid import HALF_WORLD

_OPEN_FILES = 64
_MAX_WINDOW = 2048 * 2048  # pixels read for one tile

# Values (bands, rows, columns), and 0 where there is none; None where all are valid.
Pixels = tuple[NDArray[Any], NDArray[np.uint8] | None]


def render_tile(path: Path, z: int, x: int, y: int, style: Style) -> Picture | None:
    """Return the tile of a COG; None where it has no pixel. FileNotFoundError: the COG is gone."""
    found = read_tile(path, z, x, y, style)
    return draw(*found, style, open_source(path).palette) if found else None


def read_tile(path: Path, z: int, x: int, y: int, style: Style) -> Pixels | None:
    """Return what `render_tile` gives colours to."""
    source = open_source(path)
    found = source.read(z, x, y, style.bands, style.terrain, complete=bool(style.expression))
    if found and style.expression:
        found = source.evaluate(style.expression, *found)
    return found if found and (found[1] is None or found[1].any()) else None


_sources: "OrderedDict[Path, Source]" = OrderedDict()
_sources_lock = threading.Lock()


def open_source(path: Path) -> "Source":
    """Return the open file of a path, kept for the next tile.

    Raises:
        FileNotFoundError: it is gone.
    """
    exists = path.exists()
    with _sources_lock:
        if exists and path in _sources:
            _sources.move_to_end(path)
            return _sources[path]
        # An open file keeps the disk space of a deleted one.
        for stale in [p for p in _sources if not p.exists()]:
            del _sources[stale]
    if not exists:
        raise FileNotFoundError(path)
    opened = Source(path)
    with _sources_lock:
        while len(_sources) >= _OPEN_FILES:
            _sources.popitem(last=False)
        return _sources.setdefault(path, opened)


class Source:
    """An open COG, for any number of threads."""

    def __init__(self, path: Path) -> None:
        self._handle = Handle(path)
        with self._handle.borrow() as dataset:
            self._describe(dataset)
        self._is_premultiplied = self._has_alpha and is_premultiplied(path)

    def _describe(self, dataset: Any) -> None:
        self._width, self._height = dataset.width, dataset.height
        self._levels = level_shapes(dataset)
        self.count = dataset.count
        self._dtype = numpy_name(dataset.dtypes[0])
        crs = crs_of(dataset)
        self._to_pixel, self._to_crs = crs_to_pixel(dataset), pixel_to_crs(dataset)
        self._project = (
            None
            if crs.to_epsg() == 3857
            else Transformer.from_crs(3857, crs.to_wkt(), always_xy=True).transform
        )
        self._crs = crs
        # What is added to x once around the Earth; 0 where x does not go around.
        self._turn = full_turn(crs) if self._project else 2 * HALF_WORLD
        if self._turn:
            corners = np.array([[0, dataset.width], [0, dataset.height]], float)
            x, _ = self._to_crs(*(values.ravel() for values in np.meshgrid(*corners)))
            self._x_range = float(x.min()), float(x.max())
        flags = dataset.mask_flag_enums[0]
        # Of 64-bit integers rasterio knows nodata as a float, or not at all; GDAL's mask is exact.
        self._is_exact = MaskFlags.nodata in flags and dataset.dtypes[0] in {"int64", "uint64"}
        self._has_alpha = MaskFlags.alpha in flags
        self._has_mask = MaskFlags.per_dataset in flags or self._has_alpha or self._is_exact
        self._nodata = representable(dataset.nodata, np.dtype(self._dtype))
        try:
            self.palette = dataset.colormap(1)
        except ValueError:
            self.palette = None

    @cached_property
    def _from_degrees(self) -> Transformer:
        return Transformer.from_crs(4326, self._crs.to_wkt(), always_xy=True)

    def read(
        self,
        z: int,
        x: int,
        y: int,
        bands: tuple[int, ...],
        terrain: Terrain | None = None,
        *,
        complete: bool = False,
    ) -> Pixels | None:
        """Return values (bands, rows, columns) and mask (None: all valid) of a tile.

        None when nothing of the raster is in it.

        Args:
            complete: whether a pixel needs a value in each of the bands, rather than in one.
        """
        merged: Pixels | None = None
        for shift in self._shifts(z, x, y):
            part = self._read_shifted(z, x, y, bands, shift, terrain, complete)
            if merged is None or merged[1] is None or part is None:
                merged = merged or part
            else:  # the raster's two ends meet in this tile
                values, mask = part
                gap = merged[1] == 0
                merged[0][:, gap] = values[:, gap]
                merged[1][gap] = 255 if mask is None else mask[gap]
        return merged

    def evaluate(
        self, expression: str, values: NDArray[Any], mask: NDArray[np.uint8] | None
    ) -> Pixels:
        """Return what an expression makes of the bands it names, and where it has a value."""
        result = parse_expression(expression)(values)
        missing = np.isnan(values) if self._has_mask else self._missing(values)
        absent = np.isnan(result) if missing is None else missing.any(axis=0) | np.isnan(result)
        valid = np.uint8(255) if mask is None else mask
        return result[np.newaxis], np.where(absent, np.uint8(0), valid)

    def sample(
        self, bands: tuple[int, ...], terrain: Terrain | None = None, *, complete: bool = False
    ) -> Pixels:
        """Return what `read` does of the whole raster, from an overview of about 1024 pixels."""
        corners = np.array([0.0, self._width - 1.0]), np.array([0.0, self._height - 1.0])
        window, shape = self._window(*corners, max(self._width, self._height) / 1024)
        values, masks = self._fetch(bands, window, shape)
        mask = _join(masks, complete)
        if terrain:
            return self._derive(terrain, values, mask, window)
        return values, self._present(values) if mask is None else mask

    def _derive(
        self,
        terrain: Terrain,
        values: NDArray[Any],
        mask: NDArray[np.uint8] | None,
        window: Window,
    ) -> Pixels:
        """Return what the heights of one band, as they were read, make of the terrain."""
        heights = np.abs(values[0]) if np.iscomplexobj(values) else values[0]
        missing = self._missing(values) if mask is None else mask[np.newaxis] == 0
        steps = ground_steps(self._to_crs, self._from_degrees, window, heights.shape)
        algorithm, factor = terrain
        gone = None if missing is None else missing[0]
        found = derive_terrain(algorithm, heights, gone, steps, factor)
        return found[np.newaxis], np.where(np.isnan(found), np.uint8(0), np.uint8(255))

    def values_at(
        self, longitude: Array, latitude: Array, bands: Sequence[int]
    ) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Return values and whether each is valid, both (bands, places), of the nearest pixels.

        Reads one window around the places, from the overview that fits their distances.
        """
        columns, rows = self._place(longitude, latitude)
        inside = (columns >= 0) & (columns < self._width) & (rows >= 0) & (rows < self._height)
        values = np.zeros((len(bands), len(columns)), self._dtype)
        valid = np.tile(inside, (len(bands), 1))
        if not inside.any():
            return values, valid
        columns, rows = columns[inside], rows[inside]
        steps = np.hypot(np.diff(columns), np.diff(rows))
        window, shape = self._window(columns, rows, float(np.median(steps)) if len(steps) else 1.0)
        pixels, masks = self._fetch(bands, window, shape)
        column = ((columns - window.col_off) * (shape[1] / window.width)).astype(np.int64)
        row = ((rows - window.row_off) * (shape[0] / window.height)).astype(np.int64)
        at = np.clip(row, 0, shape[0] - 1), np.clip(column, 0, shape[1] - 1)
        values[:, inside] = pixels[:, *at]
        if masks is not None:
            valid[:, inside] = masks[:, *at] > 0
        else:
            missing = self._missing(values)
            if missing is not None:
                valid &= ~missing
        return values, valid

    def _fetch(
        self, bands: Sequence[int], window: Window, shape: tuple[int, int]
    ) -> tuple[NDArray[Any], NDArray[np.uint8] | None]:
        """Return pixels of bands, and their masks as GDAL sees them; None where it has none.

        There is one mask where all bands have the same.
        """
        indexes, masks = list(bands), None
        with self._handle.borrow() as dataset:
            values = dataset.read(indexes, window=window, out_shape=(len(indexes), *shape))
            if self._has_mask:
                masked = indexes if self._is_exact else indexes[:1]
                masks = dataset.read_masks(masked, window=window, out_shape=(len(masked), *shape))
        return values, masks

    def _place(self, longitude: Array, latitude: Array) -> tuple[Array, Array]:
        """Return columns and rows of places in degrees; infinite where the CRS does not reach."""
        x, y = self._from_degrees.transform(longitude, latitude)
        if self._turn:
            low, high = self._x_range
            x = np.where(x < low, x + self._turn, x)
            x = np.where(x > high, x - self._turn, x)
        with np.errstate(invalid="ignore"):
            return self._to_pixel(np.asarray(x, float), np.asarray(y, float))

    def _shifts(self, z: int, x: int, y: int) -> Iterator[float]:
        """Return the offset of x for a raster over the antimeridian or with longitudes to 360°."""
        if not self._turn:
            yield 0.0
            return
        east, _ = self._coordinates(z, x, y, nodes())
        left, right = float(east.min()), float(east.max())
        margin = (right - left) / NODES  # the nodes are on centres of pixels
        for turns in (0, 1, -1):
            shift = turns * self._turn
            if (
                left + shift - margin < self._x_range[1]
                and right + shift + margin > self._x_range[0]
            ):
                yield shift

    def _read_shifted(
        self,
        z: int,
        x: int,
        y: int,
        bands: tuple[int, ...],
        shift: float,
        terrain: Terrain | None,
        complete: bool,
    ) -> Pixels | None:
        # What a slope is, the pixels around it say.
        margin = 1 if terrain else 0
        inside: NDArray[np.bool_] | None = None
        columns, rows = self._transform(z, x, y, nodes(), shift)
        is_grid = may_interpolate(columns, rows)
        if is_grid and self._contains(columns, rows).all():  # and so all that is in between
            scale = scale_amid(columns, rows)
            window, shape = self._window(columns, rows, scale, margin)
        else:
            if is_grid:
                columns, rows = interpolate(columns), interpolate(rows)
            else:
                columns, rows = self._transform(z, x, y, np.arange(TILE_SIZE) + 0.5, shift)
            inside = self._contains(columns, rows)
            if np.count_nonzero(inside) <= TILE_SIZE:
                size = self._width, self._height
                columns, rows, inside = widen(columns, rows, inside, size)
            if not inside.any():
                return None
            is_grid, scale = False, find_scale(columns, rows, inside)
            window, shape = self._window(columns[inside], rows[inside], scale, margin)
        values, masks = self._fetch(bands, window, shape)
        present = _join(masks, complete)
        if terrain:
            values, present = self._derive(terrain, values, present, window)
        # From pixels of the raster to pixels of what was read.
        column = (columns - window.col_off) * (shape[1] / window.width)
        row = (rows - window.row_off) * (shape[0] / window.height)
        if is_grid:
            column, row = place_pixels(column, row, shape)
        if inside is not None:
            column[~inside] = row[~inside] = 0
        index = pixel_index(column, row, shape)
        picked = pick(values, index)
        mask = self._present(picked) if present is None else present.ravel().take(index)
        if mask is not None and not mask[... if inside is None else inside].any():
            present = self._present(values) if present is None else present
            reach = 0.5 + scale * shape[1] / window.width
            beside = column if inside is None else np.where(inside, column, np.inf)
            if show_between(index, beside, row, present, reach):
                picked = pick(values, index)
                mask = present.ravel().take(index)
        if mask is not None and self._is_premultiplied:
            picked = unmultiply(picked, mask)
        if inside is not None:
            mask = np.where(inside, np.uint8(255) if mask is None else mask, np.uint8(0))
        return picked, mask

    def _contains(self, columns: Array, rows: Array) -> NDArray[np.bool_]:
        """Say which places, in pixels of the raster, are within it."""
        inside: NDArray[np.bool_] = (columns >= 0) & (columns < self._width)
        inside &= rows >= 0
        inside &= rows < self._height
        return inside

    def _present(self, values: NDArray[Any]) -> Any:
        """Return the mask of values whose file has none; None when all are valid."""
        missing = self._missing(values)
        if missing is None or not missing.any():
            return None
        return np.where(missing.all(axis=0), np.uint8(0), np.uint8(255))

    def _missing(self, values: NDArray[Any]) -> NDArray[np.bool_] | None:
        """Return where each band has no value."""
        missing = None
        if values.dtype.kind in "fc":
            missing = np.isnan(values)
        if self._nodata is not None:
            nodata = values == self._nodata
            missing = nodata if missing is None else missing | nodata
        return missing

    def _transform(self, z: int, x: int, y: int, at: Array, shift: float) -> tuple[Array, Array]:
        east, north = self._coordinates(z, x, y, at)
        with np.errstate(invalid="ignore"):  # places the raster's CRS does not reach are infinite
            return self._to_pixel(east + shift, north)

    def _coordinates(self, z: int, x: int, y: int, at: Array) -> tuple[Any, Any]:
        """Return coordinates in the raster's CRS of places in a tile, `at` pixels from its corner.

        In a tile where its longitudes begin anew they jump by a full turn.
        """
        pixel = 2 * HALF_WORLD / 2**z / TILE_SIZE
        east, north = np.meshgrid(
            (x * TILE_SIZE + at) * pixel - HALF_WORLD, HALF_WORLD - (y * TILE_SIZE + at) * pixel
        )
        return self._project(east, north) if self._project else (east, north)

    def _window(
        self, columns: Array, rows: Array, scale: float, margin: int = 0
    ) -> tuple[Window, tuple[int, int]]:
        """Return the window of the raster to read, and the shape to read it in (an overview's).

        Args:
            margin: how many pixels more are read on each side.
        """
        sizes = [max(shape) * max(1.0, scale * 1.2) for shape in self._levels]
        level = max(i for i, size in enumerate(sizes) if size >= max(self._levels[0]))
        while True:
            height, width = self._levels[level]
            left, right = self._span(columns, self._width / width, width, margin)
            top, bottom = self._span(rows, self._height / height, height, margin)
            shape = bottom - top, right - left
            if shape[0] * shape[1] <= _MAX_WINDOW or level == len(sizes) - 1:
                edges = np.array([left, right]) / width * self._width
                sides = np.array([top, bottom]) / height * self._height
                return Window(edges[0], sides[0], np.ptp(edges), np.ptp(sides)), shape
            level += 1

    @staticmethod
    def _span(values: Array, factor: float, size: int, margin: int) -> tuple[int, int]:
        """Return which pixels of a level to read along one side: the first, and after the last."""
        first, last = int(values.min() // factor) - margin, int(values.max() // factor) + margin
        return max(0, first), min(size, last + 1)


def _join(masks: NDArray[np.uint8] | None, complete: bool) -> NDArray[np.uint8] | None:
    """Return the mask of several bands: of where all have a value, or any has."""
    if masks is None:
        return None
    joined: NDArray[np.uint8] = masks.min(axis=0) if complete else masks.max(axis=0)
    return joined
