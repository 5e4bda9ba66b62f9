"""Each pixel of a tile is the nearest one of an overview, also of a raster with an odd size."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.enums import Resampling
from rasterio.vrt import WarpedVRT

from backend_django.rasters import tiles
from backend_django.rasters.sampling import TILE_SIZE
from backend_django.rasters.tile_grid import HALF_WORLD, tile_range

from . import factory
from .conftest import Convert

pytestmark = pytest.mark.slow
STEP = 10.0  # metres of Web Mercator a pixel
CORNER = 1_000_000.0, 6_000_000.0


def by_gdal(path: Path, z: int, x: int, y: int) -> np.ndarray:
    """Return what GDAL warps into a tile, from the overview that fits."""
    step = 2 * HALF_WORLD / 2**z / TILE_SIZE
    with rasterio.open(path) as cog:
        sizes = [1, *cog.overviews(1)]
    level = max(i for i, factor in enumerate(sizes) if factor <= max(1, step / STEP * 1.2))
    options = {"OVERVIEW_LEVEL": level - 1} if level else {}
    corner = (
        x * TILE_SIZE * step - HALF_WORLD,
        (HALF_WORLD - y * TILE_SIZE * step),
    )
    with (
        rasterio.open(path, **options) as overview,
        WarpedVRT(
            overview, crs="EPSG:3857", width=TILE_SIZE, height=TILE_SIZE, nodata=-1,
            transform=Affine(step, 0, corner[0], 0, -step, corner[1]),
            resampling=Resampling.nearest,
        ) as warped,
    ):  # fmt: skip
        return warped.read()


@pytest.mark.parametrize(("height", "width"), [(1023, 1023), (1535, 3583), (1025, 2047)])
def test_tiles_are_what_gdal_takes_from_the_same_overview(
    height: int, width: int, tmp_path: Path, converted: Convert
) -> None:
    column, row = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    source = factory.write(
        tmp_path / "places.tif",
        np.stack([column, row]).astype("float32"),
        crs="EPSG:3857",
        transform=Affine(STEP, 0, CORNER[0], 0, -STEP, CORNER[1]),
    )
    cog, report = converted(source, values="continuous")
    seen = 0
    for z in (14, 13, 12, 11):
        columns, rows = tile_range(report["bounds"], z)
        for x in columns:
            for y in rows:
                found = tiles.open_source(cog).read(z, x, y, (1, 2))
                if found is None:
                    continue
                values, mask = found
                expected = by_gdal(cog, z, x, y)
                both = (expected[0] >= 0) & (mask > 0 if mask is not None else True)
                # GDAL and we round a place that lies between two pixels each in its own way.
                differ = np.abs(values - expected)[:, both].max(axis=0, initial=0) > 0.01
                assert np.count_nonzero(differ) <= 0.005 * max(200, differ.size), (z, x, y)
                seen += int(np.count_nonzero(both))
    assert seen > 1000
