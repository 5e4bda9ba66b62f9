"""Band arithmetic, slope and shaded relief, against numexpr and GDAL's own `gdaldem`."""

import ctypes
from pathlib import Path
from typing import Any

import numexpr
import numpy as np
import pytest
import rasterio
from affine import Affine
from django.test import Client
from numpy.typing import NDArray
from pyproj import Geod, Transformer
from pyproj.database import get_units_map

from backend_django.rasters import tiles
from backend_django.rasters.expressions import ExpressionError, parse_expression
from backend_django.rasters.styles import parse_style
from backend_django.rasters.terrain import derive_terrain
from backend_django.rasters.units import metres_of
from backend_django.users.models import User
from tests.matrix import matrix

from . import factory
from .conftest import Store

pytestmark = pytest.mark.slow

PIXEL = 30.0  # metres
BAND = {"index": 1, "dtype": "float32", "color_interpretation": "gray"}
GRID = Affine(PIXEL, 0, 500_000, 0, -PIXEL, 5_200_000)


def gdaldem(source: Path, target: Path, mode: str) -> NDArray[Any]:
    """Have the GDAL that rasterio brings compute it."""
    library = next((Path(rasterio.__file__).parents[1] / "rasterio.libs").glob("libgdal*"))
    gdal = ctypes.CDLL(str(library))
    gdal.GDALOpen.restype = gdal.GDALDEMProcessing.restype = ctypes.c_void_p
    gdal.GDALDEMProcessingOptionsNew.restype = ctypes.c_void_p
    gdal.GDALAllRegister()
    options = [b"-compute_edges", b"-of", b"GTiff", None]
    words = (ctypes.c_char_p * len(options))(*options)
    opened = ctypes.c_void_p(gdal.GDALOpen(str(source).encode(), 0))
    how = ctypes.c_void_p(gdal.GDALDEMProcessingOptionsNew(words, None))
    error = ctypes.c_int()
    made = gdal.GDALDEMProcessing(
        str(target).encode(), opened, mode.encode(), None, how, ctypes.byref(error)
    )
    assert made
    assert not error.value
    gdal.GDALClose(ctypes.c_void_p(made))
    gdal.GDALClose(opened)
    with rasterio.open(target) as dataset:
        return dataset.read(1)


@pytest.fixture
def owner(client: Client, user: User) -> Client:
    client.force_login(user)
    return client


@pytest.fixture
def heights() -> NDArray[np.float32]:
    return (factory.landscape(300, 420) * 2400).astype("float32")


@pytest.mark.parametrize(("mode", "tolerance"), [("hillshade", 0.51), ("slope", 1e-3)])
def test_terrain_is_that_of_gdaldem(
    heights: NDArray[Any], tmp_path: Path, mode: str, tolerance: float
) -> None:
    source = factory.write(tmp_path / "i.tif", heights[None], transform=GRID)
    wanted = gdaldem(source, tmp_path / "o.tif", mode)
    steps = np.reshape([PIXEL, 0.0, 0.0, -PIXEL], (2, 2, 1, 1))
    found = derive_terrain(mode, heights, None, steps)
    off = np.abs(found - wanted)
    off[::299, ::419] = 0  # at the four corners GDAL continues the heights in another way
    assert off.max() < tolerance


def test_a_turned_grid_has_the_same_slopes_and_the_same_light(heights: NDArray[Any]) -> None:
    """Turned by a quarter, a column leads to the south and a row to the west."""
    steps = np.reshape([PIXEL, 0.0, 0.0, -PIXEL], (2, 2, 1, 1))
    turned = np.reshape([0.0, -PIXEL, -PIXEL, 0.0], (2, 2, 1, 1))
    for algorithm in ("slope", "hillshade"):
        straight = derive_terrain(algorithm, heights, None, steps)
        found = derive_terrain(algorithm, np.rot90(heights), None, turned)
        np.testing.assert_allclose(np.rot90(found, -1), straight, atol=1e-9)


def test_slopes_of_a_raster_are_those_of_its_ground(
    heights: NDArray[Any], converted: Any, tmp_path: Path
) -> None:
    """In UTM they are gdaldem's; in Web Mercator metres are longer than they are on the ground."""
    heights[:40, :60] = -9999
    source = factory.write(tmp_path / "i.tif", heights[None], transform=GRID, nodata=-9999)
    path, _ = converted(source)
    values, mask = tiles.Source(path).sample((1,), ("slope", 1.0))
    wanted = gdaldem(source, tmp_path / "o.tif", "slope")
    assert mask is not None
    assert (mask[:40, :60] == 0).all()
    assert (mask[40:] == 255).all()
    inner = np.s_[45:-2, 65:-2]  # gdaldem treats what is beside missing pixels in its own way
    assert np.abs(values[0][inner] - wanted[inner]).max() < 0.05

    mercator = factory.write(tmp_path / "m.tif", heights[None], crs="EPSG:3857",
                             transform=Affine(60, 0, 1_000_000, 0, -60, 8_399_738))  # fmt: skip
    path, _ = converted(mercator)  # at 60 degrees north, where a metre is half a metre
    values, _ = tiles.Source(path).sample((1,), ("slope", 1.0))
    assert np.abs(values[0][inner] - wanted[inner]).max() < 0.6


@pytest.mark.parametrize(
    ("unit", "metres"),
    [
        ("", 1), ("metre", 1), ("m", 1), ("Meters", 1), ("[m]", 1), ("km", 1000), ("dm", 0.1),
        ("cm", 0.01), ("mm", 0.001), ("ft", 0.3048), ("foot", 0.3048),
        ("US survey foot", 1200 / 3937), ("ftUS", 1200 / 3937), ("us-ft", 1200 / 3937),
        ("US_survey_foot", 1200 / 3937), ("Clarke's foot", 0.3047972654),
    ],
)  # fmt: skip
def test_heights_are_in_the_unit_of_their_band(unit: str, metres: float) -> None:
    style = parse_style({"algorithm": "slope"}, [BAND | {"unit": unit}])
    assert style.terrain is not None
    assert style.terrain[1] == pytest.approx(metres, rel=1e-9)


def test_units_are_as_long_as_to_epsg() -> None:
    for unit in get_units_map("EPSG", "linear").values():
        assert metres_of(unit.name) == pytest.approx(unit.conv_factor, rel=1e-12), unit.name


def test_what_is_no_height_has_no_slope(owner: Client, store: Store) -> None:
    request = store(factory.pixels("float32"))
    request.result.data["bands"][0]["unit"] = "dB"
    request.result.save()
    for path in (f"tiles/{request.id}/0/0/0", f"statistics/{request.id}/"):
        answer = owner.get(f"/api/v1/rasters/{path}", {"algorithm": "slope"})
        assert answer.status_code == 400
        assert "“dB”" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("(b4-b3)/(b4+b3)", None),
        ("b1*0.5 + sqrt(B2) - -b3**2", "b1*0.5 + sqrt(b2) - -b3**2"),
        ("2.5*(b4-b3)/(b4+6*b3-7.5*b1+10000)", None),
        ("where(b1 > b2, b1, 0)", None),
        ("(b1>=3000)*b2", "where(b1>=3000, b2, 0)"),
        ("log10(b1)+abs(b2-b3)", None),
        ("3", ExpressionError),
    ],
)
def test_expressions_are_those_of_numexpr(text: str, same: Any) -> None:
    values = factory.pixels("uint16", 4)
    if same is ExpressionError:
        with pytest.raises(ExpressionError, match="at least one band"):
            parse_expression(text)
        return
    expression = parse_expression(text)
    bands = {f"b{number}": values[number - 1].astype(float) for number in range(1, 5)}
    with np.errstate(all="ignore"):
        wanted = numexpr.evaluate(same or text, bands).astype(float)
    wanted[~np.isfinite(wanted)] = np.nan
    found = expression(values[[band - 1 for band in expression.bands]])
    np.testing.assert_allclose(found, wanted)


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "b1" * 150, "b1+", "(b1", "b0", "b1.real", "b1[0]", "__import__('os')", "open(b1)",
        "b1 if b2 else b3", "lambda: b1", "[b1]", "b1, b2", "b1 and b2", "not b1", "b1 // b2",
        "b1 % 2", "b1 << 9", "1 < b1 < 2", "sqrt(b1, b2)", "min(b1)", "abs(x=b1)", "'b1'", "b1j",
        "b1 * 1e999", "9**9**9", "b1;b2", "b1:=2", "b1 = 2", "f(b1)(b2)", "b1\nb2", "b1 + é",
        "+".join(["b1"] * 50), "-" * 30 + "b1", "+".join(f"b{n}" for n in range(1, 10)),
        "True * b1", "b1 is b2", "b1 in b2", "{b1}", "b1 @ b2", "~b1", "await b1", "b1000",
    ],
)  # fmt: skip
def test_what_is_no_expression_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError) as refused:
        parse_expression(text)
    assert str(refused.value).endswith((".", "?"))


def test_a_tile_of_an_index(store: Store, owner: Client) -> None:
    """A tile has the colours of its index; where that cannot be computed it is transparent."""
    values = factory.pixels("uint16", 4)
    values[2:, :150] = 0  # 0 / 0
    request = store(values)
    where = f"/api/v1/rasters/tiles/{request.id}/0/0/0"
    query = {"expression": "(b4-b3)/(b4+b3)", "colormap": "rdylgn", "rescale": "-0.5,0.5"}
    assert owner.get(where, query).status_code in {200, 204}
    style = parse_style(query, request.result.data["bands"])
    path = request.result.open_path("cog")
    with rasterio.open(path) as dataset:
        found = dataset.read([3, 4]).astype(float)
    with np.errstate(all="ignore"):
        index = (found[1] - found[0]) / (found[1] + found[0])
    computed, mask = tiles.Source(path).evaluate(
        style.expression, *tiles.Source(path).sample(style.bands)
    )
    assert mask is not None
    np.testing.assert_array_equal(mask > 0, np.isfinite(index))
    np.testing.assert_allclose(computed[0][mask > 0], index[mask > 0])


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"expression": "b9*2"}, "bands b1 to b4"),
        ({"expression": "open(b1)"}, "not known"),
        ({"expression": "b1", "bands": "2"}, "names its bands itself"),
        ({"expression": "b1", "algorithm": "slope"}, "not for both"),
        ({"expression": "b1", "rescale": "5,1"}, "lowest and the highest"),
        ({"expression": "b1", "colormap": "classes"}, "Must be one of"),
        ({"algorithm": "aspect"}, "hillshade, slope"),
        ({"algorithm": "slope", "bands": "1,2,3"}, "one band"),
    ],
)
def test_refusals_say_what_to_do(
    store: Store, owner: Client, query: dict[str, str], words: str
) -> None:
    request = store(factory.pixels("uint16", 4))
    paths = [f"tiles/{request.id}/0/0/0", f"statistics/{request.id}/"]
    for path in paths[: 1 if {"rescale", "colormap"} & query.keys() else 2]:
        answer = owner.get(f"/api/v1/rasters/{path}", query)
        assert answer.status_code == 400, path
        assert words in answer.json()["detail"]
        assert answer["Content-Type"] == "application/problem+json"


def test_statistics_of_what_is_computed(store: Store, owner: Client) -> None:
    values = factory.pixels("uint16", 4)
    request = store(values)
    path = f"/api/v1/rasters/statistics/{request.id}/"
    found = owner.get(path, {"expression": "b2-b1"}).json()
    wanted = values[1].astype(float) - values[0]
    assert found["minimum"] == wanted.min()
    assert found["percentile_98"] == pytest.approx(np.percentile(wanted, 98))
    counts, edges = np.histogram(wanted, 64)
    assert found["histogram"] == {"counts": counts.tolist(), "edges": [edges[0], edges[-1]]}
    nothing = owner.get(path, {"expression": "b1/0"}).json()
    assert nothing == dict.fromkeys(found)
    assert owner.get(path).status_code == 400
    assert owner.get(path, {"algorithm": "hillshade"}).json()["maximum"] <= 255


@pytest.mark.parametrize(
    ("crs", "x", "y", "pixel", "zoom"),
    [
        ("EPSG:3031", 1_100_000, 700_000, 2000, 4),  # north turns with the longitude
        ("EPSG:3031", 1_100_000, 700_000, 50, 9),
        matrix("EPSG:3857", 1_100_000, 9_000_000, 2000, 5),
        matrix("EPSG:32633", 300_000, 7_000_000, 100, 8),
        matrix("EPSG:4326", 10, 60, 0.02, 5),
        matrix("EPSG:4326", 10, 70, 0.1, 3),
    ],
)
def test_light_comes_from_the_same_side_everywhere(
    crs: str, x: float, y: float, pixel: float, zoom: int, tmp_path: Path
) -> None:
    """Of a plane, PROJ alone says how steep it is and where it faces at each place of a tile."""
    size, steep = 400, 0.3 * (111_000 if crs == "EPSG:4326" else 1)  # metres for a unit of x
    source = factory.write(
        tmp_path / "i.tif", np.tile((np.arange(size) + 0.5) * pixel * steep, (1, size, 1)), crs=crs,
        transform=Affine(pixel, 0, x - pixel * size / 2, 0, -pixel, y + pixel * size / 2),
    )  # fmt: skip
    to_crs = Transformer.from_crs(4326, crs, always_xy=True).transform
    _, middle, row = factory.tile_of(*to_crs(x, y, direction="INVERSE"), zoom)
    seen = 0
    for column in (middle - 1, middle, middle + 1):
        found = tiles.Source(source).read(zoom, column, row, (1,), ("hillshade", 1.0))
        if found is None:
            continue
        light, mask = found
        at = (np.arange(256) + 0.5) / 256
        across, down = np.meshgrid((column + at) / 2**zoom, (row + at) / 2**zoom)
        places = 360 * across - 180, np.degrees(np.arctan(np.sinh(np.pi * (1 - 2 * down))))
        rises = []
        for azimuth in (90.0, 0.0):
            *beside, _ = Geod(ellps="WGS84").fwd(*places, np.full_like(across, azimuth),
                                                 np.full_like(across, 100.0))  # fmt: skip
            rises.append((to_crs(*beside)[0] - to_crs(*places)[0]) * steep / 100)
        towards = (rises[1] - rises[0]) * np.sqrt(0.5)  # the light comes from the north-west
        wanted = (1 - towards) * np.sqrt(0.5) / np.sqrt(1 + rises[0] ** 2 + rises[1] ** 2)
        there = np.full(across.shape, True) if mask is None else mask > 0
        off = np.abs(light[0] - np.where(wanted <= 0, 1, 1 + 254 * wanted))
        assert off[there].max() < 1, column
        seen += int(np.count_nonzero(there))
    assert seen > 5000
