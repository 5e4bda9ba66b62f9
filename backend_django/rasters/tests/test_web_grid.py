"""Rasters on the grid of web maps: whole, valid, and where they were."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rio_tiler.errors import TileOutsideBounds
from rio_tiler.io import Reader

from backend_django.rasters import tiles

from . import factory
from .cog_check import check_cog
from .conftest import Convert
from .test_tiles import CASES, tiles_around

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning"),
]
RGB = factory.pixels("uint8", 3)
HALF = factory.ellipse(300, 420)


@pytest.mark.parametrize(
    "case",
    [
        {"values": RGB},
        {"values": RGB, "mask": HALF},
        {"values": factory.pixels("int16"), "nodata": -9999},
        {"values": factory.pixels("float32")},
        {"values": RGB, "transform": factory.rotated(30)},
        {
            "values": RGB, "transform": None, "crs": None,
            "gcps": factory.ground_control_points(300, 420),
        },
        {"values": factory.pixels("uint8", 1, 3000, 5)},
    ],
    ids=["RGB", "mask", "nodata", "float", "rotated", "ground control points", "one tile wide"],
)  # fmt: skip
def test_on_the_grid_of_web_maps(case: dict[str, Any], tmp_path: Path, convert: Convert) -> None:
    target, facts = convert(factory.write(tmp_path / "i.tif", **case), grid="web")
    check_cog(target)
    assert facts["validation"] == {"valid": True, "errors": [], "warnings": []}
    assert facts["crs"]["epsg"] == 3857
    with rasterio.open(target) as dataset:
        assert dataset.crs.to_epsg() == 3857
        resolution = 2 * 20037508.342789244 / 256 / dataset.transform.a
        assert np.log2(resolution) == pytest.approx(facts["maxzoom"], abs=1e-6)
        # something, and empty corners
        assert dataset.width == 256 or 0.1 < (dataset.dataset_mask() > 0).mean() < 1
        assert (facts["width"], facts["height"]) == (dataset.width, dataset.height)
        mean = dataset.read(1, masked=True).mean()
    assert mean == pytest.approx(case["values"][0].mean(), rel=0.2)


@pytest.mark.filterwarnings("ignore::rio_tiler.errors.NoOverviewWarning")
@pytest.mark.parametrize("name", ["ground control points", "rotated", "around the pole"])
def test_on_the_grid_of_web_maps_it_is_where_it_was(
    name: str, tmp_path: Path, converted: Convert
) -> None:
    """Tiles of the reprojected raster show what rio-tiler shows of the upload itself."""
    by_points = {"gcps": factory.ground_control_points(900, 1100), "transform": None, "crs": None}
    case = CASES[name]() if name in CASES else CASES["RGB"]() | by_points
    upload = factory.write(tmp_path / "i.tif", **case)
    path, facts = converted(upload, grid="web")
    source, spread = tiles.Source(path), float(np.ptp(case["values"]))
    compared = 0
    with Reader(str(upload)) as reader:
        for z, x, y in tiles_around(facts):
            found = source.read(z, x, y, (1,))
            if z < facts["maxzoom"] or found is None:
                continue
            try:
                expected = reader.tile(x, y, z, indexes=(1,), resampling_method="bilinear")
            except TileOutsideBounds:
                continue
            mask = np.full((256, 256), 255, np.uint8) if found[1] is None else found[1]
            assert np.count_nonzero((mask > 0) != (expected.mask > 0)) < 1500, (z, x, y)
            both = (mask > 0) & (expected.mask > 0)
            if both.sum() < 200:
                continue
            compared += 1
            difference = np.abs(found[0][0].astype(float) - expected.data[0].astype(float))[both]
            assert difference.mean() < 0.02 * spread, (z, x, y, difference.mean())
    assert compared >= 2
