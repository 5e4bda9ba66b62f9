"""The grid that several rasters share, and where each of them is on it."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from math import ceil, floor
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from rasterio.crs import CRS
from rasterio.enums import Resampling
from rasterio.vrt import WarpedVRT

from backend_django.processing.errors import ProcessingError

from .georeference import crs_of, full_turn, pixel_to_crs
from .inspection import Inspection, read_facts

_SAMPLES = 65  # points along each side of a raster that are looked at
_OFF_GRID = 0.01  # pixels that a raster may be off the grid and yet be copied
_WARP_MEGABYTES = 64


@dataclass(frozen=True)
class Part:
    """One of the rasters: a COG of our own."""

    path: Path
    name: str
    dataset: Any
    facts: Inspection

    @classmethod
    def open(cls, stack: ExitStack, path: Path, name: str) -> "Part":
        dataset = stack.enter_context(rasterio.open(path, driver="GTiff"))
        return cls(path, name.removesuffix(".cog.tif"), dataset, read_facts(path))

    @property
    def crs(self) -> CRS:
        return crs_of(self.dataset)

    @property
    def colours(self) -> list[int]:
        """The numbers of its bands that are no alpha."""
        return [
            index
            for index, meaning in enumerate(self.facts.interpretations, start=1)
            if meaning != "alpha"
        ]

    @property
    def is_upright(self) -> bool:
        t = self.dataset.transform
        return bool(t.b == t.d == 0 and t.a > 0 > t.e)


@dataclass(frozen=True)
class Place:
    """The place of a part on the grid of a mosaic, in its pixels."""

    part: Part
    column: int
    row: int
    width: int
    height: int
    is_on_grid: bool
    turns: float  # what is added to its x, once or more around the globe

    def open(self, grid: "Grid", smooth: bool) -> Any:
        """Return a dataset of its pixels on the grid, which begins at column and row."""
        dataset, facts = self.part.dataset, self.part.facts
        if self.is_on_grid:
            return rasterio.open(self.part.path, driver="GTiff")
        resampling = Resampling.bilinear if smooth else Resampling.nearest
        moved = {}
        if self.turns and self.part.crs == grid.crs:
            moved = {"src_transform": Affine.translation(self.turns, 0) * dataset.transform}
        return WarpedVRT(
            dataset,
            src_crs=self.part.crs,
            crs=grid.crs,
            transform=grid.transform * Affine.translation(self.column, self.row),
            width=self.width,
            height=self.height,
            resampling=resampling,
            # What lies beside a raster without any other mark of missing pixels is missing.
            add_alpha=facts.nodata is None and not facts.has_alpha,
            warp_mem_limit=_WARP_MEGABYTES,
            **moved,
        )


@dataclass(frozen=True)
class Grid:
    crs: CRS
    transform: Affine
    width: int
    height: int
    places: Sequence[Place]


@dataclass(frozen=True)
class _Reach:
    """The extent of a part in the CRS of the mosaic, and the size of its pixels there."""

    west: float
    south: float
    east: float
    north: float
    size: tuple[float, float]


def choose_grid(parts: Sequence[Part], crs_code: str, resolution: float | None) -> Grid:
    """Return the grid that all parts fit on.

    Its CRS is that of most parts, of the first ones when equally many have another; its pixels are
    as small as the smallest, and lie where those of the first part with such pixels do.

    Args:
        crs_code: as it was asked for; "" to choose.
        resolution: likewise, in its units; None to choose. Without a part whose pixels are of that
            size, they begin at its multiples.

    Raises:
        ProcessingError: crs_unknown, outside_crs.
    """
    crs = _parse_crs(crs_code) if crs_code else _usual_crs(parts)
    reaches = [_reach(part, crs) for part in parts]
    size = min((reach.size for reach in reaches), key=lambda size: size[0] * size[1])
    if resolution:
        size = resolution, resolution
    turn = full_turn(crs)
    turns = _turns(reaches, turn) if turn else [0.0] * len(parts)
    x, y = _origin(parts, reaches, crs, size, snap=bool(resolution))
    boxes = []
    for part, reach, added in zip(parts, reaches, turns, strict=True):
        left, right = ((edge + added - x) / size[0] for edge in (reach.west, reach.east))
        top, bottom = ((y - edge) / size[1] for edge in (reach.north, reach.south))
        exact = (left, top, left + part.dataset.width, top + part.dataset.height)
        is_on_grid = (
            part.crs == crs
            and part.is_upright
            and all(abs(edge - round(edge)) < _OFF_GRID for edge in (left, top))
            and abs(exact[2] - right) < _OFF_GRID
            and abs(exact[3] - bottom) < _OFF_GRID
        )
        box = (
            [round(edge) for edge in exact]
            if is_on_grid
            else [
                floor(left + _OFF_GRID),
                floor(top + _OFF_GRID),
                ceil(right - _OFF_GRID),
                ceil(bottom - _OFF_GRID),
            ]
        )
        boxes.append((part, box, is_on_grid, added))
    first_column, first_row = (min(box[i] for _, box, _, _ in boxes) for i in (0, 1))
    end_column, end_row = (max(box[i] for _, box, _, _ in boxes) for i in (2, 3))
    places = [
        Place(
            part,
            box[0] - first_column,
            box[1] - first_row,
            max(1, box[2] - box[0]),
            max(1, box[3] - box[1]),
            is_on_grid,
            added,
        )
        for part, box, is_on_grid, added in boxes
    ]
    transform = Affine(size[0], 0, x + first_column * size[0], 0, -size[1], y - first_row * size[1])
    width, height = max(1, end_column - first_column), max(1, end_row - first_row)
    return Grid(crs, transform, width, height, places)


def _parse_crs(code: str) -> CRS:
    try:
        return CRS.from_string(code)
    except rasterio.errors.CRSError:
        raise ProcessingError(
            "crs_unknown",
            "There is no coordinate reference system %(code)s. Search for it by its name.",
            code=code,
        ) from None


def _usual_crs(parts: Sequence[Part]) -> CRS:
    counted: list[tuple[CRS, int]] = []
    for part in parts:
        same = next((i for i, (crs, _) in enumerate(counted) if crs == part.crs), None)
        if same is None:
            counted.append((part.crs, 1))
        else:
            counted[same] = counted[same][0], counted[same][1] + 1
    return max(counted, key=lambda pair: pair[1])[0]


def _reach(part: Part, crs: CRS) -> _Reach:
    columns, rows = np.meshgrid(
        np.linspace(0, part.dataset.width, _SAMPLES), np.linspace(0, part.dataset.height, _SAMPLES)
    )
    x, y = pixel_to_crs(part.dataset)(columns, rows)
    if part.crs != crs:
        x, y = _transform(part, crs, x, y)
        finite = np.isfinite(x) & np.isfinite(y)
        if (turn := full_turn(crs)) and finite.all():
            x[:, 0] = np.unwrap(x[:, 0], period=turn)
            x = np.unwrap(x, period=turn, axis=1)
        x, y = x[finite], y[finite]
    west, east, south, north = float(x.min()), float(x.max()), float(y.min()), float(y.max())
    t = part.dataset.transform
    if part.crs == crs and part.is_upright:
        size = t.a, -t.e
    else:  # as gdalwarp chooses it: a diagonal has as many pixels as before
        diagonal = np.hypot(east - west, north - south)
        pixel = float(diagonal / np.hypot(part.dataset.width, part.dataset.height))
        size = pixel, pixel
    return _Reach(west, south, east, north, size)


def _transform(part: Part, crs: CRS, x: Any, y: Any) -> tuple[Any, Any]:
    from pyproj import Transformer  # takes a tenth of a second to import, and is seldom needed
    from pyproj.exceptions import ProjError

    try:
        transformer = Transformer.from_crs(part.crs.to_wkt(), crs.to_wkt(), always_xy=True)
        found_x, found_y = transformer.transform(x, y)
    except ProjError:
        found_x = found_y = np.full(x.shape, np.inf)
    if not np.any(np.isfinite(found_x) & np.isfinite(found_y)):
        raise ProcessingError(
            "outside_crs",
            "“%(name)s” has no place in the coordinate reference system of the "
            "mosaic. Choose another system, or leave it out.",
            name=part.name,
        )
    return found_x, found_y


def _turns(reaches: Sequence[_Reach], turn: float) -> list[float]:
    """Return what to add to the x of each part, so that all are close to each other.

    Rasters on both sides of the antimeridian are not to have the whole globe between them.
    """
    as_they_are = max(r.east for r in reaches) - min(r.west for r in reaches)
    best, narrowest = [0.0] * len(reaches), as_they_are - 1e-6 * turn
    for first in reaches:  # the westernmost of an arrangement
        added = [-floor((reach.west - first.west) / turn + 1e-9) * turn for reach in reaches]
        width = max(r.east + a for r, a in zip(reaches, added, strict=True)) - first.west
        if width < narrowest:
            best, narrowest = added, width
    return best


def _origin(
    parts: Sequence[Part],
    reaches: Sequence[_Reach],
    crs: CRS,
    size: tuple[float, float],
    *,
    snap: bool,
) -> tuple[float, float]:
    for part, reach in zip(parts, reaches, strict=True):
        if part.crs == crs and part.is_upright and np.allclose(reach.size, size, rtol=1e-9):
            return part.dataset.transform.c, part.dataset.transform.f
    if snap:
        return 0.0, 0.0
    return min(reach.west for reach in reaches), max(reach.north for reach in reaches)
