"""What a product says is what its upload said; GDAL reads both."""

import random
from itertools import combinations, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio

from backend_django.processing.errors import ProcessingError
from backend_django.rasters import gdal, tiles
from backend_django.rasters.styles import default_style
from backend_django.rasters.values import point_values

from . import factory
from .cog_check import check_cog
from .conftest import Convert

HIGH = 2**53 + 1  # a double has no such number: it takes 2**53 for it
EXACT = [("int64", -9999), ("int64", 0), ("uint64", 0), ("int64", -HIGH), ("uint64", 2**64 - 1)]


def write_exact(path: Path, dtype: str, nodata: int) -> np.ndarray:
    """Write 64-bit integers whose neighbours of nodata are valid; return where nodata is."""
    values = np.full((1, 600, 700), 2**53, dtype)
    values[0, 300:, 350:] = nodata - 1 if nodata > 0 else nodata + 1
    values[0, :100] = nodata
    plain = factory.write(path.with_name("plain.tif"), values)
    gdal.translate(plain, path, ["-of", "GTiff", "-a_nodata", str(nodata)], [], lambda part: None)
    missing: np.ndarray = values[0] == np.array(nodata, dtype)
    return missing


@pytest.mark.parametrize(("dtype", "nodata"), EXACT)
@pytest.mark.parametrize("given", [False, True], ids=["in the file", "as an option"])
def test_nodata_of_64_bit_integers(
    dtype: str, nodata: int, given: bool, tmp_path: Path, convert: Convert
) -> None:
    source = tmp_path / "input.tif"
    missing = write_exact(source, dtype, nodata)
    options = {}
    if given:
        source, options = tmp_path / "plain.tif", {"nodata": str(nodata)}
    target, facts = convert(source, **options)
    assert facts["nodata"] == nodata
    assert isinstance(facts["nodata"], int)
    band = facts["bands"][0]
    with rasterio.open(source) as before, rasterio.open(target) as after:
        values = before.read(1)
        np.testing.assert_array_equal(values, after.read(1))
        np.testing.assert_array_equal(after.read_masks(1) == 0, missing)
        for factor in after.overviews(1):
            shape = 600 // factor, 700 // factor
            small = after.read_masks(1, out_shape=shape)
            assert (small == 0).sum() == pytest.approx(missing.sum() / factor**2, rel=0.1)
    assert band["minimum"] == float(values[~missing].min())
    assert band["maximum"] == float(values[~missing].max())
    assert sum((band["histogram"] or {"counts": [(~missing).sum()]})["counts"]) == (~missing).sum()

    west, south, east, north = facts["bounds"]
    middle = (west + east) / 2
    assert point_values(target, middle, north - (north - south) * 0.05) == [None]
    assert point_values(target, middle, north - (north - south) * 0.4) == [2**53]
    zoom, column, row = factory.tile_of(middle, (south + north) / 2, facts["maxzoom"] - 2)
    found = tiles.open_source(target).read(zoom, column, row, (1,))
    assert found is not None
    assert found[1] is not None
    is_missing = found[0][0] == np.array(nodata, dtype)
    assert is_missing.any()
    assert not found[1][is_missing].any()
    assert found[1].any()
    assert tiles.render_tile(target, zoom, column, row, default_style(facts["bands"]))


@pytest.mark.parametrize("text", ["1e3", "1000.0", "+1000"])
def test_a_whole_number_may_be_written_in_any_way(
    text: str, tmp_path: Path, convert: Convert
) -> None:
    values = factory.pixels("int64")
    values[0, :40] = 1000
    target, facts = convert(factory.write(tmp_path / "input.tif", values), nodata=text)
    assert facts["nodata"] == 1000
    with rasterio.open(target) as dataset:
        np.testing.assert_array_equal(dataset.read_masks(1) == 0, values[0] == 1000)


@pytest.mark.parametrize(
    "options",
    [{"grid": "web"}, {"overview_resampling": "average"}, {"overview_resampling": "mode"}],
)
def test_resampling_that_would_lose_nodata_is_refused(
    options: dict[str, str], tmp_path: Path, convert: Convert
) -> None:
    write_exact(tmp_path / "input.tif", "int64", -HIGH)
    with pytest.raises(ProcessingError, match=f"nodata value -{HIGH} has too many digits"):
        convert(tmp_path / "input.tif", **options)
    write_exact(tmp_path / "input.tif", "int64", -9999)
    if "mode" in options.values():
        with pytest.raises(ProcessingError, match="Choose “nearest” overviews"):
            convert(tmp_path / "input.tif", **options)
    else:
        assert convert(tmp_path / "input.tif", **options)[1]["nodata"] == -9999


def test_nodata_that_no_pixel_can_have_is_refused(tmp_path: Path, convert: Convert) -> None:
    source = factory.write(tmp_path / "input.tif", factory.pixels("uint64"))
    with pytest.raises(ProcessingError, match="18,446,744,073,709,551,615"):
        convert(source, nodata=str(2**64))


@pytest.mark.parametrize("narrow", [1, 2, 3])
@pytest.mark.parametrize("long", [1, 3, 513, 3000])
def test_a_few_pixels_wide_or_high(
    narrow: int, long: int, tmp_path: Path, convert: Convert
) -> None:
    for height, width in {(long, narrow), (narrow, long)}:
        values = factory.pixels("uint16", 1, height, width)
        target, facts = convert(factory.write(tmp_path / f"{height}.tif", values))
        check_cog(target)
        assert facts["validation"]["valid"]
        assert facts["overviews"] == [2**level for level in range(1, len(facts["overviews"]) + 1)]
        with rasterio.open(target) as dataset:
            np.testing.assert_array_equal(dataset.read(), values)
        west, south, east, north = facts["bounds"]
        tile = factory.tile_of((west + east) / 2, (south + north) / 2, facts["maxzoom"])
        found = tiles.open_source(target).read(*tile, (1,))
        assert found is not None
        assert found[1] is not None
        if max(height, width) < 600:  # longer ones curve on the map, and are seen from farther off
            assert set(found[0][0][found[1] > 0]) <= set(values.ravel())
        if max(height, width) <= 3:  # something to look at
            assert (found[1] > 0).sum() >= 60
        for zoom in range(facts["maxzoom"]):  # however narrow, it is on the map
            tile = factory.tile_of((west + east) / 2, (south + north) / 2, zoom)
            assert tiles.render_tile(target, *tile, default_style(facts["bands"])), zoom


@pytest.mark.parametrize("options", [{}, {"nodata": "1"}, {"bands": "2,1"}, {"grid": "web"}])
def test_statistics_of_the_upload_are_left_out(
    options: dict[str, str], tmp_path: Path, convert: Convert
) -> None:
    source = factory.write(tmp_path / "input.tif", factory.pixels("float32", 2), nodata=0)
    with rasterio.open(source, "r+") as dataset:
        for name in ("MINIMUM", "MAXIMUM", "MEAN", "STDDEV", "VALID_PERCENT", "APPROXIMATE"):
            dataset.update_tags(1, **{f"STATISTICS_{name}": "7"})
    target, _ = convert(source, **options)
    with rasterio.open(target) as dataset:
        assert not any(dataset.tags(index) for index in dataset.indexes)


CHOICES = {
    "dtype": [
        "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float32",
        "float64", "complex64", "complex_int16",
    ],
    "missing": ["nothing", "nodata", "mask", "alpha"],
    "codec": ["none", "deflate", "lzw", "zstd", "packbits"],
    "layout": ["strips", "tiles", "planes apart", "big-endian BigTIFF"],
    "said": ["nothing", "texts and numbers"],
}  # fmt: skip
LAYOUTS: dict[str, dict[str, Any]] = {
    "strips": {},
    "tiles": {"tiled": True, "blockxsize": 64, "blockysize": 32},
    "planes apart": {"interleave": "band"},
    "big-endian BigTIFF": {"ENDIANNESS": "BIG", "BIGTIFF": "YES"},
}


def every_pair() -> list[tuple[str, ...]]:
    """Return cases in which each two choices of different kinds meet at least once."""
    cases = [
        case
        for case in product(*CHOICES.values())
        if case[1] != "alpha" or case[0] in {"uint8", "uint16"}
    ]
    random.Random(15).shuffle(cases)
    seen: set[tuple[Any, ...]] = set()
    kept = []
    for case in cases:
        pairs = set(combinations(enumerate(case), 2))
        if pairs - seen:
            kept.append(case)
            seen |= pairs
    return kept


@pytest.mark.parametrize("case", every_pair(), ids=", ".join)
def test_the_product_says_what_the_upload_said(
    case: tuple[str, ...], tmp_path: Path, convert: Convert
) -> None:
    dtype, missing, codec, layout, said = case
    values = factory.pixels(dtype, 2, 90, 110)
    how: dict[str, Any] = {"dtype": dtype, **LAYOUTS[layout]}
    if codec != "none":
        how["compress"] = codec
    if missing == "nodata":
        values[:, 20:50] = how["nodata"] = 7
    elif missing == "mask":
        how["mask"] = factory.ellipse(90, 110)
    elif missing == "alpha":
        values[1] = factory.ellipse(90, 110)
        how["alpha"] = True
    source = factory.write(tmp_path / "input.tif", values, **how)
    if said != "nothing":
        with rasterio.open(source, "r+") as dataset:
            dataset.update_tags(survey="2024 – Höhe", TIFFTAG_DATETIME="2024:05:06 07:08:09")
            dataset.update_tags(2, sensor="<b> & c")
            dataset.descriptions = ("red – Höhe", "near infrared")
            dataset.units, dataset.scales, dataset.offsets = ("m", "K"), (0.1, 2), (5, -3)
    target, facts = convert(source)
    check_cog(target)
    with rasterio.open(source) as before, rasterio.open(target) as after:
        assert before.read().tobytes() == after.read().tobytes()
        np.testing.assert_array_equal(before.read_masks(), after.read_masks())
        np.testing.assert_array_equal(before.dataset_mask(), after.dataset_mask())
        for name in (
            "shape", "count", "dtypes", "nodatavals", "mask_flag_enums", "colorinterp",
            "descriptions", "scales", "offsets", "units", "crs", "transform",
        ):  # fmt: skip
            assert repr(getattr(before, name)) == repr(getattr(after, name)), name
        assert before.tags() == after.tags()
        assert [before.tags(i) for i in (1, 2)] == [after.tags(i) for i in (1, 2)]
        assert facts["nodata"] == before.nodata
        if missing == "mask":
            assert not np.array_equal(after.read_masks(1), np.full((90, 110), 255))


@pytest.mark.parametrize("options", [{}, {"profile": "zstd"}])
def test_domains_of_metadata_are_kept_but_those_that_name_files(
    options: dict[str, str], tmp_path: Path, convert: Convert
) -> None:
    source = factory.write(tmp_path / "input.tif", factory.pixels("uint8", 2))
    with rasterio.open(source, "r+") as dataset:
        dataset.update_tags(survey="2024")
        dataset.update_tags(ns="IMAGERY", ACQUISITIONDATETIME="2020-01-02 03:04:05")
        dataset.update_tags(ns="own", note="<a> & b – ä")
        dataset.update_tags(ns="GEOLOCATION", X_DATASET="/etc/hostname", X_BAND="1")
        dataset.descriptions = ("red", "green")
        dataset.scales = (2, 3)
    target, _ = convert(source, **options)
    check_cog(target)
    with rasterio.open(source) as before, rasterio.open(target) as after:
        for domain in (None, "IMAGERY", "own"):
            assert before.tags(ns=domain) == after.tags(ns=domain)
        assert not after.tags(ns="GEOLOCATION")
        assert before.descriptions == after.descriptions
        assert before.scales == after.scales
