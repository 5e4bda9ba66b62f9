"""Where a raster is, in every kind of coordinates; PROJ says what is right."""

import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from pyproj import CRS, Transformer
from rasterio.control import GroundControlPoint

from backend_django.rasters import tiles
from backend_django.rasters.footprint import footprint
from backend_django.rasters.georeference import geographic_bounds
from backend_django.rasters.inspection import Limits, inspect
from backend_django.rasters.sampling import TILE_SIZE
from backend_django.rasters.settings import LIMITS
from backend_django.rasters.tile_grid import tile_range
from backend_django.rasters.tiles import Source
from backend_django.rasters.values import point_values
from tests.matrix import matrix

from . import factory
from .conftest import Convert

pytestmark = pytest.mark.slow

SIZE = 300
SHORT = 1e-3  # degrees a pixel
GEOSTATIONARY = "+proj=geos +h=35785831 +lon_0=0 +sweep=y +ellps=WGS84"


def small(west: float, north: float, pixel: float = SHORT) -> Affine:
    return Affine(pixel, 0, west, 0, -pixel, north)


# CRS and place in its own coordinates
PLACES: dict[str, tuple[str, Any]] = {  # Affine's types do not know that it takes arrays
    "Ferro": ("EPSG:4805", small(31.5, 47)),
    "Jakarta": ("EPSG:4813", small(-0.2, -6)),
    "Rome": ("EPSG:4806", small(-0.1, 42)),
    "Lisbon": ("EPSG:4904", small(0.1, 39)),
    "S-JTSK (Ferro)": ("EPSG:4818", small(32, 50)),
    "Paris, in grads": ("EPSG:4807", small(0.5, 54)),
    "Tokyo": ("EPSG:4301", small(139.7, 35.7, 1e-5)),
    "DHDN": ("EPSG:4314", small(9, 50, 1e-5)),
    "OSGB36": ("EPSG:4277", small(-2, 52, 1e-5)),
    "NAD27": ("EPSG:4267", small(-100, 40, 1e-5)),
    "NZGD49": ("EPSG:4272", small(174, -41, 1e-5)),
    "own datum": ("+proj=longlat +ellps=bessel +towgs84=598,74,419", small(9, 50, 1e-5)),
    "WGS 84": ("EPSG:4326", small(9, 50)),
    "WGS 84 counted to 360": ("EPSG:4326", small(200, 10)),
    "WGS 84 over the antimeridian": ("EPSG:4326", small(179.9, 10)),
    "Ferro over its own antimeridian": ("EPSG:4805", small(179.9, 10)),
    "Ferro over ours": ("EPSG:4805", small(197.5, 10)),
    "UTM": ("EPSG:32632", Affine(10, 0, 5e5, 0, -10, 5.2e6)),
    "Meteosat": (GEOSTATIONARY, Affine(38000, 0, -5.7e6, 0, -38000, 5.7e6)),
    "Mollweide": ("ESRI:54009", Affine(121000, 0, -18.15e6, 0, -61000, 9.15e6)),
    "sinusoidal": ("+proj=sinu", Affine(135000, 0, -20.2e6, 0, -67500, 10.1e6)),
    "polar": ("EPSG:3413", Affine(20000, 0, -3e6, 0, -20000, 3e6)),
    "orthographic": (
        "+proj=ortho +lat_0=45 +lon_0=170", Affine(43000, 0, -6.45e6, 0, -43000, 6.45e6)
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def rasters(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("places")
    values = np.arange(SIZE * SIZE, dtype=np.uint32).reshape(1, SIZE, SIZE) + 1
    return {
        name: factory.write(
            folder / f"{number}.tif", values, crs=CRS.from_user_input(crs).to_wkt(), transform=place
        )
        for number, (name, (crs, place)) in enumerate(PLACES.items())
    }


def degrees(name: str, columns: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    crs, place = PLACES[name]
    x, y = place @ (columns, rows)
    to_degrees = Transformer.from_crs(CRS.from_user_input(crs), 4326, always_xy=True)
    longitude, latitude = to_degrees.transform(x, y)
    return np.asarray(longitude), np.asarray(latitude)


def comes_back(name: str, column: np.ndarray, longitude: np.ndarray, latitude: np.ndarray) -> bool:
    """Whether the CRS has this place there: beyond its edge, some repeat the Earth."""
    crs, place = PLACES[name]
    back = Transformer.from_crs(4326, CRS.from_user_input(crs), always_xy=True)
    x, y = back.transform(longitude, latitude)
    off = np.abs((~place @ (x, y))[0] - column)
    turn = (400 if "grads" in name else 360) / place.a  # of a geographic CRS
    return bool(off < 0.5 or (place.a < 1 and abs(off - turn) < 0.5))


@pytest.mark.parametrize("name", PLACES)
def test_bounds_hold_every_pixel_and_little_else(rasters: dict[str, Path], name: str) -> None:
    with rasterio.open(rasters[name]) as dataset:
        bounds = geographic_bounds(dataset)
        geometry = footprint(dataset, bounds or [])
    assert bounds
    west, south, east, north = bounds
    columns, rows = np.meshgrid(np.linspace(0, SIZE, 601), np.linspace(0, SIZE, 601))
    longitude, latitude = degrees(name, columns, rows)
    finite = np.isfinite(longitude) & np.isfinite(latitude)
    longitude, latitude = longitude[finite], latitude[finite]
    slack = 0.02 * max(east - west, north - south)
    assert latitude.min() >= south - slack
    assert latitude.max() <= north + slack
    assert abs(latitude.max() - north) < max(slack, 1e-6)
    assert abs(latitude.min() - south) < max(slack, 1e-6)
    if east - west < 359:
        longitude = (longitude - west + slack) % 360 + west - slack
        assert longitude.max() <= east + slack
        assert longitude.max() >= east - slack
    rings = geometry["coordinates"]
    corners = np.concatenate([np.reshape(ring, (-1, 2)) for ring in rings])
    assert corners[:, 1].max() == pytest.approx(north, abs=slack + 1e-6)


@examples(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.sampled_from(sorted(PLACES)),
    st.floats(0.001, 0.999),
    st.floats(0.001, 0.999),
    st.integers(-3, 2),
)
def test_no_tile_with_a_pixel_is_empty(
    rasters: dict[str, Path], name: str, across: float, down: float, deeper: int
) -> None:
    """From a pixel to its tile by PROJ, and back by the tile: the pixel is in it."""
    column, row = (np.array([float(int(part * SIZE))]) + 0.5 for part in (across, down))
    longitude, latitude = degrees(name, column, row)
    if not np.isfinite([longitude, latitude]).all() or abs(latitude[0]) > 85:
        return
    near = degrees(name, column + 1, row)
    step = math.hypot(
        *(float(b[0] - a[0]) for a, b in zip((longitude, latitude), near, strict=True))
    )
    if not 0 < step < 300 or not comes_back(name, column, longitude, latitude):
        return
    native = round(math.log2(360 / TILE_SIZE / step))
    zoom = min(22, max(0, native + deeper))
    sine = math.sin(math.radians(latitude[0]))
    px = (longitude[0] + 180) / 360 * 2**zoom
    py = (0.5 - math.atanh(sine) / (2 * math.pi)) * 2**zoom
    found = Source(rasters[name]).read(zoom, int(px) % 2**zoom, int(py), (1,))
    assert found is not None, (name, zoom, int(px), int(py))
    values, mask = found
    if deeper >= 1:  # as large as a pixel of the tile or larger: it is seen where it is
        at = int(py % 1 * TILE_SIZE), int(px % 1 * TILE_SIZE)
        around = np.s_[max(0, at[0] - 2) : at[0] + 3, max(0, at[1] - 2) : at[1] + 3]
        seen = (values[0][around].astype(int) - 1) if mask is None else (
            values[0][around][mask[around] > 0].astype(int) - 1
        )  # fmt: skip
        rows, columns = np.divmod(seen, SIZE)
        assert (np.hypot(rows - row + 0.5, columns - column + 0.5) < 3).any(), name


@pytest.mark.parametrize("has_mask", [True, False])
def test_one_value_in_the_world_is_seen_from_afar(has_mask: bool, tmp_path: Path) -> None:
    """It lies between the centres of the pixels of its tiles."""
    values = np.full((1, 256, 256), -9, np.int16)
    values[0, 118, 185] = 7
    place: dict[str, Any] = {
        "crs": "EPSG:4326",
        "transform": Affine(360 / 256, 0, -180, 0, -180 / 256, 90),
    }
    missing: dict[str, Any] = (
        {"mask": np.where(values[0] > 0, 255, 0)} if has_mask else {"nodata": -9}
    )
    source = Source(factory.write(tmp_path / "i.tif", values, **place, **missing))
    for zoom, column, row in ((0, 0, 0), (1, 1, 0), (2, 2, 1)):
        found = source.read(zoom, column, row, (1,))
        assert found is not None
        seen, mask = found
        assert mask is not None
        assert (seen[0][mask > 0] == 7).all()
        assert mask.any(), zoom
    _, elsewhere = source.read(1, 0, 0, (1,)) or (None, np.zeros(1))
    assert not np.any(elsewhere), "it is in another tile"


@pytest.mark.parametrize(
    "name", ["Meteosat", *map(matrix, ("Mollweide", "Ferro over ours")), "polar"]
)
def test_map_copy_draws_every_tile_with_a_pixel(rasters: dict[str, Path], name: str) -> None:
    source = Source(rasters[name])
    with rasterio.open(rasters[name]) as dataset:
        bounds = geographic_bounds(dataset)
    assert bounds
    for zoom in range(5):
        columns, rows = tile_range(bounds, zoom)
        drawn = {(x % 2**zoom, y) for x in columns for y in rows}
        for x in range(2**zoom):
            for y in range(2**zoom):
                if (x, y) not in drawn:
                    assert source.read(zoom, x, y, (1,)) is None, (zoom, x, y)


@pytest.mark.parametrize(
    "crs", ["IAU_2015:49900", "+proj=longlat +R=1737400 +no_defs", "IAU_2015:49910"]
)
def test_another_body_is_refused_in_words(tmp_path: Path, crs: str) -> None:
    path = factory.write(
        tmp_path / "i.tif", factory.pixels("uint8"),
        crs=CRS.from_user_input(crs).to_wkt(), transform=small(10, 10),
    )  # fmt: skip
    with pytest.raises(Exception, match="unusable_crs"):
        inspect(path, Limits(**LIMITS))
    shutil.rmtree(tmp_path, ignore_errors=True)


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_ground_control_points_on_both_sides_of_the_antimeridian(
    tmp_path: Path, convert: Convert
) -> None:
    points = [
        GroundControlPoint(row, column, (178 + column / 100 + 180) % 360 - 180, -16 - row / 150)
        for row in (0, 150, 300)
        for column in (0, 200, 400)
    ]
    values = factory.pixels("uint8", 1, 300, 400)
    values[0, :, 200:] = 255
    source = factory.write(
        tmp_path / "i.tif",
        values,
        crs=None,
        transform=None,
        gcps=(points, rasterio.crs.CRS.from_epsg(4326)),
    )
    target, facts = convert(source)
    assert facts["bounds"] == pytest.approx([178, -18, 182, -16], abs=1e-6)
    assert facts["footprint"]["type"] == "MultiPolygon"
    for longitude, expected in ((179.5, None), (-179.5, 255)):
        found = tiles.open_source(target).read(*factory.tile_of(longitude, -17, 9), (1,))
        assert found is not None
        assert found[1] is None or found[1].all()
        assert expected is None or (found[0] == expected).all()
        assert point_values(target, longitude, -17) == [
            values[0, 150, 150] if expected is None else 255
        ]


@pytest.mark.parametrize(
    ("code", "place", "accuracy", "grid"),
    [
        ("EPSG:27700", Affine(10, 0, 4e5, 0, -10, 3e5), 2.0, "uk_os_OSTN15_NTv2_OSGBtoETRS.tif"),
        ("EPSG:25832", Affine(10, 0, 5e5, 0, -10, 5.2e6), None, ""),  # ETRS89 needs no grid
        ("EPSG:32632", Affine(10, 0, 5e5, 0, -10, 5.2e6), None, ""),
        (GEOSTATIONARY, Affine(380, 0, -5.7e4, 0, -380, 5.7e4), None, ""),
    ],
)
def test_a_missing_grid_is_said(
    code: str, place: Affine, accuracy: float | None, grid: str, tmp_path: Path, convert: Convert
) -> None:
    values = factory.pixels("uint8", 1)
    source = factory.write(tmp_path / "i.tif", values, crs=code, transform=place)
    said = convert(source)[1]["crs"]
    assert (said["accuracy"], said["missing_grid"]) == (accuracy, grid)


@pytest.mark.parametrize(
    ("crs", "corner"), [("EPSG:3413", (-123_456, 234_567)), ("EPSG:3031", (-200_001, 150_003))]
)
def test_bounds_reach_the_pole_that_is_inside(
    crs: str, corner: tuple[float, float], tmp_path: Path
) -> None:
    place = Affine(10_000, 0, corner[0], 0, -10_000, corner[1])
    path = factory.write(
        tmp_path / "i.tif", factory.pixels("uint8", 1, 40, 40), crs=crs, transform=place
    )
    with rasterio.open(path) as dataset:
        by_proj = rasterio.warp.transform_bounds(dataset.crs, "EPSG:4326", *dataset.bounds)
        assert geographic_bounds(dataset) == pytest.approx(by_proj, abs=0.05)
        assert {90.0, -90.0} & {*(geographic_bounds(dataset) or [])}
