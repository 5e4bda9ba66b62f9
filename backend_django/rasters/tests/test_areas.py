"""The size of each pixel is that of PROJ's polygon around it."""

import numpy as np
import pytest
import rasterio
from affine import Affine
from pyproj import Geod, Transformer
from rasterio.io import MemoryFile
from rasterio.windows import Window

from backend_django.rasters.georeference import PixelAreas

GLOBE = Geod(ellps="WGS84")
WHOLE = 510_065_621_724_089.0  # square metres


def by_proj(dataset: rasterio.DatasetReader, row: int, column: int) -> float:
    """Return the area of a pixel whose sides are straight in the raster's own CRS."""
    corners = [(column, row), (column + 1, row), (column + 1, row + 1), (column, row + 1)]
    ring = np.array(
        [
            np.add(start, np.subtract(end, start) * share)
            for start, end in zip(corners, [*corners[1:], corners[0]], strict=True)
            for share in np.linspace(0, 1, 100, endpoint=False)
        ]
    )
    x, y = dataset.transform * (ring[:, 0], ring[:, 1])
    if dataset.crs.is_geographic:
        y = np.clip(y, -90, 90)
    to_degrees = Transformer.from_crs(dataset.crs.to_wkt(), 4326, always_xy=True).transform
    return abs(float(GLOBE.polygon_area_perimeter(*to_degrees(x, y))[0]))


@pytest.mark.parametrize(
    ("crs", "transform", "height", "width"),
    [
        ("EPSG:4326", Affine(0.25, 0, -180.125, 0, -0.25, 90.125), 721, 1440),  # centres on poles
        ("EPSG:4326", Affine(0.1, 0, -180, 0, -0.1, 90), 1800, 3600),
        ("EPSG:4326", Affine(0.25, 0, -180, 0, 0.25, -90), 720, 1440),
        ("EPSG:4326", Affine(0.1, 0, -180, 0, -0.1, 66), 60, 3600),
        ("EPSG:3857", Affine(30_000, 0, -2e7, 0, -30_000, 2e7), 1333, 1333),
        ("EPSG:3413", Affine(12_500, 0, -3.8e6, 0, -12_500, 5.8e6), 896, 608),
        ("EPSG:3035", Affine(5000, 0, 2.5e6, 0, -5000, 5.5e6), 901, 1),
        ("EPSG:32632", Affine(8, 6, 5e5, 6, -8, 5.2e6), 129, 700),
    ],
)
def test_pixels_are_as_large_as_proj_says(
    crs: str, transform: Affine, height: int, width: int
) -> None:
    profile = {"driver": "GTiff", "dtype": "uint8", "count": 1, "sparse_ok": True}
    with MemoryFile() as file:
        file.open(height=height, width=width, crs=crs, transform=transform, **profile).close()
        with file.open() as dataset:
            areas = PixelAreas(dataset).of(Window(0, 0, width, height))
            assert areas.shape == (height, width)
            for row in sorted({0, 1, height // 3, height - 2, height - 1}):
                for column in sorted({0, width // 3, width - 1}):
                    expected = by_proj(dataset, row, column)
                    assert areas[row, column] == pytest.approx(expected, rel=2e-3), (row, column)
            if dataset.crs.is_geographic and height > 700:
                assert float(areas.sum()) == pytest.approx(WHOLE, rel=1e-9)
            part = PixelAreas(dataset).of(Window(width // 2, height // 2, 1, height - height // 2))
            assert np.array_equal(part, areas[height // 2 :, width // 2 : width // 2 + 1])


def test_pixels_beyond_the_limb_have_no_size() -> None:
    """Of a satellite's full disk, whose corners are no place on Earth."""
    crs = "+proj=geos +h=35785831 +lon_0=0 +sweep=y +ellps=WGS84 +units=m"
    step = 2 * 5_570_248.0 / 464
    transform = Affine(step, 0, -5_570_248, 0, -step, 5_570_248)
    profile = {"driver": "GTiff", "dtype": "uint8", "count": 1, "sparse_ok": True}
    with MemoryFile() as file:
        file.open(height=464, width=464, crs=crs, transform=transform, **profile).close()
        with file.open() as dataset:
            areas = PixelAreas(dataset).of(Window(0, 0, 464, 464))
            assert areas[0, 0] == 0
            assert areas[232, 232] == pytest.approx(by_proj(dataset, 232, 232), rel=2e-3)
            near = next(column for column in range(464) if areas[232, column] > 0) + 12
            assert areas[232, near] == pytest.approx(by_proj(dataset, 232, near), rel=2e-2)
            assert np.isfinite(areas).all()
