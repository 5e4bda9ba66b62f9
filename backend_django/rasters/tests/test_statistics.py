"""Statistics are of the pixels: GDAL, which reads them all, and numpy say the same."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyproj import Geod
from rasterio.enums import Resampling

from backend_django.rasters.statistics import BandStatistics
from tests.matrix import matrix

from . import factory
from .conftest import Convert

pytestmark = pytest.mark.slow

PEAKS = 100 + factory.landscape(1100, 1100).astype("float32")[np.newaxis]


def by_gdal(path: Path, band: int = 1) -> dict[str, float]:
    """Return what `gdalinfo -stats` says of all pixels."""
    with rasterio.open(path) as dataset:
        found = dataset.stats(indexes=[band], approx=False)[0]
    return {"minimum": found.min, "maximum": found.max, "mean": found.mean, "std": found.std}


@pytest.mark.parametrize(
    "dtype",
    [
        "uint8",
        matrix("int8"),
        "uint16",
        matrix("int16"),
        matrix("uint32"),
        "int32",
        matrix("int64"),
        "float32",
        matrix("float64"),
    ],
)
@pytest.mark.parametrize("missing", ["nothing", matrix("nodata"), "mask"])
def test_they_are_those_of_every_pixel(
    dtype: str, missing: str, tmp_path: Path, convert: Convert
) -> None:
    values = factory.pixels(dtype, 2, 1100, 1300)
    values[0, 500, 700], values[0, 3, 3] = values.max(), values.min()  # where no overview has them
    how: dict[str, Any] = {}
    if missing == "nodata":
        values[:, 200:400] = how["nodata"] = 9
    elif missing == "mask":
        how["mask"] = factory.ellipse(1100, 1300)
    source = factory.write(tmp_path / "i.tif", values, **how)
    _, facts = convert(source)
    with rasterio.open(source) as dataset:
        valid = dataset.read_masks(1) > 0
    for index, band in enumerate(facts["bands"]):
        if (dtype, missing) != ("uint16", "mask"):  # of which GDAL 3.10 does not see the mask
            for name, number in by_gdal(source, index + 1).items():
                assert band[name] == pytest.approx(number, rel=1e-9), name
        found = values[index][valid] if missing == "mask" else values[index][values[index] != 9]
        if missing == "nothing":
            found = values[index].ravel()
        check_numbers(band, found)


def check_numbers(band: dict[str, Any], found: Any) -> None:
    assert band["valid_count"] == found.size
    assert (band["minimum"], band["maximum"]) == (found.min(), found.max())
    assert band["mean"] == pytest.approx(found.mean(dtype=float))
    assert band["std"] == pytest.approx(found.std(dtype=float))
    low, high = np.percentile(found, (2, 98))
    if found.dtype.itemsize <= 2:
        assert (band["percentile_2"], band["percentile_98"]) == pytest.approx((low, high))
    else:
        spread = max(1e-9, float(high) - float(low))
        assert band["percentile_2"] == pytest.approx(low, abs=0.02 * spread)
        assert band["percentile_98"] == pytest.approx(high, abs=0.02 * spread)
    histogram = band["histogram"]
    counts, edges = histogram["counts"], histogram["edges"]
    assert len(counts) <= 64
    np.testing.assert_array_equal(np.histogram(found, len(counts), edges)[0], counts)


def test_one_pixel_among_a_million_is_in_them(tmp_path: Path, convert: Convert) -> None:
    values = PEAKS.copy()
    values[0, 501, 703], values[0, 803, 11] = 8848, -432
    _, facts = convert(factory.write(tmp_path / "i.tif", values))
    band = facts["bands"][0]
    assert (band["minimum"], band["maximum"]) == (-432, 8848)
    assert 100 <= band["percentile_2"] < band["percentile_98"] <= 101


@pytest.mark.parametrize("largest", [1e-12, matrix(1e-300), matrix(1e-320), 1.0])
def test_zeros_that_come_first_leave_small_values_apart(largest: float) -> None:
    statistics = BandStatistics("float64", 1)
    values = largest * np.linspace(0.01, 1, 5000)
    for part in (np.zeros(1000), values):
        statistics.add(part, None)
    histogram = statistics.summary()["histogram"]
    counts, edges = histogram["counts"], histogram["edges"]
    assert 30 < len(counts) <= 64
    every = np.concatenate([np.zeros(1000), values])
    bins = np.linspace(edges[0], edges[1], len(counts) + 1)
    np.testing.assert_array_equal(np.histogram(every, bins)[0], counts)


def test_nothing_but_zeros_has_a_bin_that_can_be_drawn() -> None:
    statistics = BandStatistics("float32", 1)
    statistics.add(np.zeros(1000, "float32"), None)
    low, high = statistics.summary()["histogram"]["edges"]
    assert low == 0
    assert 1e-15 < high < 1e-9


def test_without_a_valid_value(tmp_path: Path, convert: Convert) -> None:
    _, facts = convert(factory.write(tmp_path / "i.tif", np.full((1, 40, 50), np.nan, "float32")))
    band = facts["bands"][0]
    assert band["minimum"] is band["mean"] is band["histogram"] is None
    assert band["valid_count"] == 0


@pytest.mark.parametrize("options", [{"profile": "jpeg"}, {"grid": "web"}, {"nodata": "40"}])
def test_they_are_of_the_product_where_that_has_other_pixels(
    options: dict[str, str], tmp_path: Path, convert: Convert
) -> None:
    source = factory.write(tmp_path / "i.tif", factory.pixels("uint8", 1, 700, 900))
    target, facts = convert(source, **options)
    with rasterio.open(target) as dataset:
        found = dataset.read(1)[dataset.read_masks(1) > 0]
    check_numbers(facts["bands"][0], found)


@pytest.mark.parametrize("nodata", [None, 0, matrix(5)])
def test_blocks_that_are_not_in_the_file_count(
    nodata: int | None, tmp_path: Path, convert: Convert
) -> None:
    for dtype in ("uint8", "float32"):
        path = tmp_path / "i.tif"
        size = {"width": 6000, "height": 5000, "count": 1, "dtype": dtype}
        with rasterio.open(
            path, "w", driver="GTiff", crs=factory.UTM32, transform=factory.ORIGIN, tiled=True,
            sparse_ok=True, blockxsize=256, blockysize=256, nodata=nodata, **size,
        ) as dataset:  # fmt: skip
            dataset.write(np.full((256, 256), 7, dtype), 1, window=((256, 512), (256, 512)))
        band = convert(path)[1]["bands"][0]
        empty = 0 if nodata is not None else 6000 * 5000 - 256**2
        assert band["valid_count"] == 256**2 + empty
        assert band["maximum"] == 7
        assert band["mean"] == pytest.approx(7 * 256**2 / (256**2 + empty))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    parts=st.lists(
        st.lists(st.floats(allow_nan=False, width=64), min_size=1, max_size=30), max_size=6
    ),
    dtype=st.sampled_from(["float64", "float32", "int64", "uint8", "int16"]),
)
def test_in_any_number_of_parts_they_are_the_same(parts: list[list[float]], dtype: str) -> None:
    kind = np.dtype(dtype)
    arrays = []
    for part in parts:
        values = np.array(part)
        if kind.kind in "iu":
            limits = np.iinfo(kind)
            values = np.clip(np.nan_to_num(values), float(limits.min), float(limits.max) * 0.99)
        with np.errstate(over="ignore"):
            arrays.append(values.astype(kind))
    statistics = BandStatistics(dtype, 1)
    for array in arrays:
        statistics.add(array, None)
    found = statistics.summary()
    values = np.concatenate(arrays) if arrays else np.zeros(0, kind)
    values = values[np.isfinite(values)]
    assert found["valid_count"] == values.size
    if not values.size:
        return
    assert (found["minimum"], found["maximum"]) == (values.min().item(), values.max().item())
    if (histogram := found["histogram"]) is not None:
        assert sum(histogram["counts"]) == values.size
        assert histogram["edges"][0] <= float(values.min())
        assert float(values.max()) <= histogram["edges"][1]


KEPT = {
    "driver": "COG", "COMPRESS": "DEFLATE", "BLOCKSIZE": 256, "OVERVIEWS": "FORCE_USE_EXISTING",
}  # fmt: skip


def cog_with_overviews(path: Path, values: Any, spoil: Any = None, **how: Any) -> Path:
    """Write a COG whose overviews GDAL makes, and `spoil` changes."""
    plain = factory.write(path.with_suffix(".plain.tif"), values, tiled=True, **how)
    with rasterio.open(plain, "r+") as dataset:
        dataset.build_overviews([2, 4, 8], how.get("resampling", Resampling.average))
    if spoil:
        for level in range(3):
            with rasterio.open(plain, "r+", OVERVIEW_LEVEL=level) as overview:
                overview.write(spoil(overview.read()))
    from rasterio.shutil import copy

    copy(plain, path, **KEPT)
    return path


@pytest.mark.parametrize("dtype", ["uint8", *map(matrix, ("int16", "float32", "complex64"))])
@pytest.mark.parametrize(
    "resampling",
    ["nearest", "average", *map(matrix, ("bilinear", "cubic", "gauss", "lanczos")), "mode"],
)
def test_a_cog_with_true_overviews_is_kept(
    dtype: str, resampling: str, tmp_path: Path, convert: Convert
) -> None:
    if dtype == "complex64" and resampling not in {"nearest", "average"}:
        pytest.skip("GDAL has no such overviews")
    values = factory.pixels(dtype, 1, 1100, 1301)
    plain = factory.write(tmp_path / "plain.tif", values, tiled=True)
    with rasterio.open(plain, "r+") as dataset:
        dataset.build_overviews([2, 4, 8], Resampling[resampling])
    from rasterio.shutil import copy

    copy(plain, tmp_path / "i.tif", **KEPT)
    target, facts = convert(tmp_path / "i.tif", profile="auto")
    assert facts["converted_because"] == ""
    assert target.read_bytes() == (tmp_path / "i.tif").read_bytes()
    if dtype != "complex64":
        check_numbers(facts["bands"][0], values[0].ravel())


@pytest.mark.parametrize(
    "spoil",
    [lambda values: values * 3, lambda values: values[:, ::-1], lambda values: values * 0],
    ids=["other values", "upside down", "empty"],
)
def test_overviews_that_show_something_else_are_made_anew(
    spoil: Any, tmp_path: Path, convert: Convert
) -> None:
    values = factory.pixels("float32", 1, 1100, 1300)
    source = cog_with_overviews(tmp_path / "i.tif", values, spoil)
    target, facts = convert(source, profile="auto")
    assert facts["converted_because"] == "its overviews do not show its pixels"
    check_numbers(facts["bands"][0], values[0].ravel())
    with rasterio.open(target) as dataset:
        small = dataset.read(1, out_shape=(138, 163))
    assert values.min() <= small.min()
    assert small.max() <= values.max()
    assert small.mean() == pytest.approx(values.mean(), rel=0.02)


@pytest.mark.parametrize(
    ("crs", "transform"),
    [
        ("EPSG:4326", Affine(0.5, 0, -180, 0, -0.5, 90)),
        ("EPSG:3857", Affine(30_000, 0, -1e7, 0, -30_000, 1e7)),
        ("EPSG:32632", factory.ORIGIN),
        ("EPSG:3035", Affine(5000, 0, 2.5e6, 0, -5000, 5.5e6)),
    ],
)
def test_areas_of_classes_are_those_of_the_ellipsoid(
    crs: str, transform: Affine, tmp_path: Path, convert: Convert
) -> None:
    values = np.zeros((1, 360, 720), np.uint8)
    values[0, 90:, 100:] = 1
    values[0, 200:300, 300:400] = 2
    source = factory.write(tmp_path / "i.tif", values, crs=crs, transform=transform)
    _, facts = convert(source)
    classes = facts["bands"][0]["classes"]
    assert [one["count"] for one in classes] == [int((values == v).sum()) for v in (0, 1, 2)]
    with rasterio.open(source) as dataset:
        edge = [(300, 200), (400, 200), (400, 300), (300, 300)]
        ring = [
            dataset.transform * (a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t)
            for a, b in zip(edge, [*edge[1:], edge[0]], strict=True)
            for t in np.linspace(0, 1, 500, endpoint=False)
        ]
        places = rasterio.warp.transform(dataset.crs, "EPSG:4326", *zip(*ring, strict=True))
    area = abs(Geod(ellps="WGS84").polygon_area_perimeter(*places)[0])
    assert classes[2]["area"] == pytest.approx(area, rel=2e-3)


@pytest.mark.parametrize("kind", ["a mask", "opacity", matrix("both"), matrix("nodata, opacity")])
@pytest.mark.parametrize("nodata", ["", "7", matrix("none")])
@pytest.mark.parametrize("bands", ["", "1", "4,1,2", matrix("1,2,3"), matrix("2,1,4")])
@pytest.mark.parametrize("values", [matrix("auto"), "classes"])
@pytest.mark.filterwarnings("ignore::rasterio.errors.NodataShadowWarning")
def test_they_are_of_what_is_valid_in_the_product(
    kind: str, nodata: str, bands: str, values: str, tmp_path: Path, convert: Convert
) -> None:
    pixels, shape = factory.pixels("uint8", 4, 60, 90), factory.ellipse(60, 90)
    pixels[:, :5] = 7
    how: dict[str, Any] = {}
    if "opacity" in kind or kind == "both":
        pixels[-1], how["alpha"] = shape, True
    if kind in ("a mask", "both"):
        how["mask"] = np.roll(shape, 20, axis=1)
    if "nodata" in kind:
        how["nodata"] = 9
    source = factory.write(tmp_path / "i.tif", pixels, **how)
    target, facts = convert(source, nodata=nodata, bands=bands, values=values)
    with rasterio.open(target) as dataset:
        for index, band in enumerate(facts["bands"], start=1):
            check_numbers(band, dataset.read(index)[dataset.read_masks(index) > 0])
