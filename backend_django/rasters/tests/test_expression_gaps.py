"""What is missing in a raster is no number to an expression; GDAL's masks are the judge."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio

from backend_django.rasters import gdal, tiles
from backend_django.rasters.styles import Style
from backend_django.rasters.values import derive_statistics
from tests.matrix import matrix

from . import factory
from .conftest import Convert

pytestmark = pytest.mark.slow

MISSING = -9999


def gaps(dtype: str) -> Any:
    """Return two bands, of which each has gaps of its own, and one that both have."""
    values = factory.pixels(dtype, 2)
    values[0, :100, :200] = values[1, 200:, 200:] = values[:, 120:160] = MISSING
    return values


def with_nodata(path: Path, dtype: str) -> Path:
    plain = factory.write(path.with_name("plain.tif"), gaps(dtype))
    gdal.translate(plain, path, ["-of", "GTiff", "-a_nodata", str(MISSING)], [], lambda part: None)
    return path


def with_mask(path: Path) -> Path:
    values = gaps("float32")
    values[values == MISSING] = np.nan
    return factory.write(path, values, mask=factory.ellipse(300, 420))


@pytest.mark.parametrize("kind", ["int64", matrix("int32"), "float32", "mask"])
@pytest.mark.parametrize("expression", ["b1-b2", "where(b1>0,b2,0)"])
def test_a_gap_of_one_band_is_a_gap_of_the_expression(
    kind: str, expression: str, tmp_path: Path, converted: Convert
) -> None:
    make = with_mask if kind == "mask" else lambda path: with_nodata(path, kind)
    path, facts = converted(make(tmp_path / "i.tif"))
    with rasterio.open(path) as dataset:
        values, masks = dataset.read().astype(float), dataset.read_masks()
    valid = (masks > 0).all(axis=0) & ~np.isnan(values).any(axis=0)
    first, second = values[:, valid]
    wanted = first - second if expression == "b1-b2" else np.where(first > 0, second, 0)

    style = Style((1, 2), ((-1, 1),), "viridis", expression=expression)
    found = derive_statistics(path, style)
    assert (found["minimum"], found["maximum"]) == pytest.approx((wanted.min(), wanted.max()))
    source = tiles.open_source(path)
    computed, mask = source.evaluate(expression, *source.sample((1, 2), complete=True))
    assert mask is not None
    np.testing.assert_array_equal(mask > 0, valid)
    np.testing.assert_allclose(computed[0][valid], wanted)

    west, south, east, north = facts["bounds"]
    tile = factory.tile_of((west + east) / 2, (south + north) / 2, facts["maxzoom"] - 2)
    drawn = tiles.read_tile(path, *tile, style)
    assert drawn is not None
    seen, mask = drawn
    assert mask is not None
    assert wanted.min() <= seen[0][mask > 0].min()
    assert seen[0][mask > 0].max() <= wanted.max()
    assert (mask == 0).any()
