"""What a product says is what its upload said; GDAL reads both."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from PIL import Image

from backend_django.processing.errors import ProcessingError
from backend_django.rasters import gdal, tiles
from backend_django.rasters.styles import default_style
from backend_django.rasters.tiff import is_premultiplied
from backend_django.rasters.values import point_values
from tests.matrix import combine, matrix

from . import factory
from .cog_check import check_cog
from .conftest import Convert

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning"),
]

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
    # JavaScript would round it, too.
    assert facts["nodata"] == (nodata if abs(nodata) < HIGH else str(nodata))
    band = facts["bands"][0]
    with rasterio.open(source) as before, rasterio.open(target) as after:
        values = before.read(1)
        np.testing.assert_array_equal(values, after.read(1))
        np.testing.assert_array_equal(after.read_masks(1) == 0, missing)
        for factor in after.overviews(1):
            shape = 600 // factor, 700 // factor
            small = after.read_masks(1, out_shape=shape)
            assert (small == 0).sum() == pytest.approx(missing.sum() / factor**2, rel=0.1)
    assert int(band["minimum"]) == int(values[~missing].min())
    assert int(band["maximum"]) == int(values[~missing].max())
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


@pytest.mark.parametrize("narrow", [1, 2, matrix(3)])
@pytest.mark.parametrize("long", [1, matrix(3), 513, matrix(3000)])
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
    "missing": ["nothing", "nodata", "mask", "alpha", "premultiplied alpha"],
    "codec": ["none", "deflate", "lzw", "zstd", "packbits"],
    "layout": ["strips", "tiles", "planes apart", "big-endian BigTIFF"],
    "said": ["nothing", "texts and numbers", "in all domains"],
    "place": ["corners", "ground control points", "corners and RPCs"],
    "colours": ["none", "table"],
}  # fmt: skip
LAYOUTS: dict[str, dict[str, Any]] = {
    "strips": {},
    "tiles": {"tiled": True, "blockxsize": 64, "blockysize": 32},
    "planes apart": {"interleave": "band"},
    "big-endian BigTIFF": {"ENDIANNESS": "BIG", "BIGTIFF": "YES"},
}
RPC = {
    "LINE_OFF": "45", "SAMP_OFF": "55", "LAT_OFF": "47", "LONG_OFF": "9", "HEIGHT_OFF": "0",
    "LINE_SCALE": "45", "SAMP_SCALE": "55", "LAT_SCALE": "1", "LONG_SCALE": "1",
    "HEIGHT_SCALE": "100", "LINE_NUM_COEFF": "0 0 -1" + " 0" * 17,
    "LINE_DEN_COEFF": "1" + " 0" * 19, "SAMP_NUM_COEFF": "0 1" + " 0" * 18,
    "SAMP_DEN_COEFF": "1" + " 0" * 19,
}  # fmt: skip
Case = tuple[str, ...]


def possible(case: Case) -> bool:
    """Say whether a TIFF can be so: opacity and colour tables are for small unsigned integers."""
    dtype, missing, *_, colours = case
    small = dtype in {"uint8", "uint16"}
    return (small or "alpha" not in missing) and (
        colours == "none" or (small and "alpha" not in missing)
    )


def every_combination(of: int) -> list[Case]:
    return combine(CHOICES.values(), of=of, seed=15, possible=possible)


@pytest.mark.parametrize(
    "case",
    [case if at % 6 == 0 else matrix(case) for at, case in enumerate(every_combination(2))],
    ids=", ".join,
)
def test_the_product_says_what_the_upload_said(
    case: Case, tmp_path: Path, convert: Convert
) -> None:
    check_fidelity(case, tmp_path, convert)


@pytest.mark.matrix
def test_the_product_says_what_the_upload_said_at_length(tmp_path: Path, convert: Convert) -> None:
    pairs = set(every_combination(2))
    cases = [case for case in every_combination(3) if case not in pairs]
    for case in cases:
        try:
            check_fidelity(case, tmp_path, convert)
        except Exception as error:
            error.add_note(", ".join(case))
            raise
    assert len(cases) > 300


def check_fidelity(case: Case, tmp_path: Path, convert: Convert) -> None:
    dtype, missing, codec, layout, said, place, colours = case
    values = factory.pixels(dtype, 1 if colours == "table" else 2, 90, 110)
    how: dict[str, Any] = {"dtype": dtype, **LAYOUTS[layout]}
    if codec != "none":
        how["compress"] = codec
    if missing == "nodata":
        values[:, 20:50] = how["nodata"] = 7
    elif missing == "mask":
        how["mask"] = factory.ellipse(90, 110)
    elif "alpha" in missing:
        values[1] = factory.ellipse(90, 110)
        if missing == "alpha":
            how["alpha"] = True
        else:
            how["ALPHA"] = "PREMULTIPLIED"
    if place == "ground control points":
        how |= {
            "gcps": factory.ground_control_points(90, 110), "transform": None, "crs": None,
        }  # fmt: skip
    if colours == "table":
        how["palette"] = factory.PALETTE
    source = factory.write(tmp_path / "input.tif", values, **how)
    with rasterio.open(source, "r+") as dataset:
        if place == "corners and RPCs":
            dataset.update_tags(ns="RPC", **RPC)
        if said != "nothing":
            dataset.update_tags(survey="2024 – Höhe", TIFFTAG_DATETIME="2024:05:06 07:08:09")
            dataset.update_tags(dataset.count, sensor="<b> & c")
            dataset.descriptions = ("red – Höhe", "near infrared")[: dataset.count]
            dataset.units = ("m", "K")[: dataset.count]
            dataset.scales, dataset.offsets = (
                (0.1, 2)[: dataset.count],
                (5, -3)[: dataset.count],
            )
        if said == "in all domains":
            dataset.update_tags(ns="IMAGERY", ACQUISITIONDATETIME="2020-01-02 03:04:05")
            dataset.update_tags(ns="own", note="<a> & b – ä", TIFFTAG_SOFTWARE="x", empty="")
            dataset.update_tags(dataset.count, ns="own", note="of a band")
    target, facts = convert(source)
    check_cog(target)
    with rasterio.open(source) as before, rasterio.open(target) as after:
        assert before.read().tobytes() == after.read().tobytes()
        np.testing.assert_array_equal(before.read_masks(), after.read_masks())
        np.testing.assert_array_equal(before.dataset_mask(), after.dataset_mask())
        for name in (
            "shape", "count", "dtypes", "nodatavals", "mask_flag_enums", "colorinterp",
            "descriptions", "scales", "offsets", "units", "crs", "transform", "gcps", "rpcs",
        ):  # fmt: skip
            assert repr(getattr(before, name)) == repr(getattr(after, name)), name
        for index in (0, *before.indexes):
            for domain in (None, "IMAGERY", "own"):
                assert before.tags(index, ns=domain) == after.tags(index, ns=domain)
        if colours == "table":
            assert before.colormap(1) == after.colormap(1)
        assert facts["nodata"] == before.nodata
        if missing == "mask":
            assert not np.array_equal(after.read_masks(1), np.full((90, 110), 255))
    assert is_premultiplied(source) == is_premultiplied(target) == missing.startswith("pre")


def test_colours_that_were_multiplied_by_their_opacity_are_shown_as_they_were(
    tmp_path: Path, convert: Convert
) -> None:
    colours = np.full((4, 256, 256), 200, np.uint8)
    colours[1:3] = 40
    colours[3] = np.linspace(20, 255, 256)
    stored = colours.copy()
    stored[:3] = np.round(colours[:3] * (colours[3] / 255.0))
    source = factory.write(tmp_path / "i.tif", stored, photometric="RGB", ALPHA="PREMULTIPLIED")
    target, facts = convert(source)
    west, south, east, north = facts["bounds"]
    tile = factory.tile_of((west + east) / 2, (south + north) / 2, facts["maxzoom"])
    drawn = tiles.render_tile(target, *tile, default_style(facts["bands"]))
    assert drawn is not None
    for content in (drawn.content, (tmp_path / "preview.webp").read_bytes()):
        seen = np.asarray(Image.open(io.BytesIO(content)).convert("RGBA")).astype(int)
        seen = seen[seen[..., 3] > 40]
        assert len(seen) > 1000
        assert np.abs(seen[:, :3] - [200, 40, 40]).mean() < 5


@pytest.mark.parametrize(
    "options",
    [{}, {"profile": "zstd"}, {"grid": "web"}, {"bands": "3,1"}, {"grid": "web", "bands": "3,1"}],
    ids=str,
)
def test_metadata_is_kept_but_not_what_names_files(
    options: dict[str, str], tmp_path: Path, convert: Convert
) -> None:
    source = factory.write(tmp_path / "input.tif", factory.pixels("uint8", 3), photometric="RGB")
    with rasterio.open(source, "r+") as dataset:
        dataset.update_tags(survey="2024")
        dataset.update_tags(ns="IMAGERY", ACQUISITIONDATETIME="2020-01-02 03:04:05")
        dataset.update_tags(ns="own", note="<a> & b – ä")
        dataset.update_tags(3, sensor="blue & <near>")
        dataset.update_tags(1, ns="own", note="red's own")
        dataset.update_tags(ns="GEOLOCATION", X_DATASET="/etc/hostname", X_BAND="1")
        dataset.descriptions = ("red", "green", "blue")
        dataset.scales, dataset.units = (2, 3, 4), ("m", "", "K")
    target, _ = convert(source, **options)
    check_cog(target, *([256] if options.get("grid") else []))
    bands = [3, 1] if "bands" in options else [1, 2, 3]
    with rasterio.open(source) as before, rasterio.open(target) as after:
        for domain in ("IMAGERY", "own"):
            assert before.tags(ns=domain) == after.tags(ns=domain)
        assert before.tags().items() <= after.tags().items()
        assert not after.tags(ns="GEOLOCATION")
        for new, old in enumerate(bands, start=1):
            for name in (None, "own"):
                assert before.tags(old, ns=name) == after.tags(new, ns=name)
            for name in ("descriptions", "scales", "units"):
                assert getattr(before, name)[old - 1] == getattr(after, name)[new - 1], name


def test_so_much_metadata_that_it_would_be_lost_is_refused(
    tmp_path: Path, convert: Convert
) -> None:
    source = factory.write(tmp_path / "input.tif", factory.pixels("uint8", 1))
    with rasterio.open(source, "r+") as dataset:
        dataset.update_tags(ns="own", **{f"n{number}": "x" * 90_000 for number in range(4)})
    target, _ = convert(source)
    with rasterio.open(source) as before, rasterio.open(target) as after:
        assert before.tags(ns="own") == after.tags(ns="own")
    with rasterio.open(source, "r+") as dataset:
        dataset.update_tags(ns="own", **{f"n{number}": "x" * 90_000 for number in range(12)})
    with pytest.raises(ProcessingError, match=r"1\.1 MB of metadata"):
        convert(source)


@pytest.mark.parametrize("angle", [0, 1, 30, 90])
def test_the_native_zoom_is_that_of_the_pixels_however_long_the_raster(
    angle: float, tmp_path: Path, converted: Convert
) -> None:
    for height, width in ((300, 300), (4, 6000), (6000, 4)):
        values = factory.pixels("uint8", 1, height, width)
        source = factory.write(tmp_path / "i.tif", values, transform=factory.rotated(angle))
        assert converted(source)[1]["maxzoom"] == 14, (height, width)
