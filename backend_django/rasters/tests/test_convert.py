"""Every kind of pixel becomes a valid COG and stays what it was."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from PIL import Image
from rasterio.enums import ColorInterp
from rio_cogeo.cogeo import cog_validate

from backend_django.processing.errors import ProcessingError
from backend_django.rasters import gdal
from backend_django.rasters.convert import _scratch_compression
from backend_django.rasters.inspection import Limits, inspect
from backend_django.rasters.options import Options
from backend_django.rasters.recipe import choose_recipe
from backend_django.rasters.settings import LIMITS
from tests.matrix import thin

from . import factory
from .cog_check import check_cog
from .conftest import Convert

pytestmark = pytest.mark.slow

HALF = factory.ellipse(300, 420)


def _with_nodata(dtype: str, nodata: float) -> Any:
    values = factory.pixels(dtype)
    values[0][HALF == 0] = nodata
    return values


# Made when they are asked for: whoever collects tests needs the names alone.
CASES: dict[str, Callable[[], dict[str, Any]]] = {
    "uint8 RGB": lambda: {"values": factory.pixels("uint8", 3)},
    "uint8 RGB, planes apart": lambda: {"values": factory.pixels("uint8", 3), "interleave": "band"},
    "uint8 RGBA": lambda: {"values": np.stack([*factory.pixels("uint8", 3), HALF]), "alpha": True},
    "uint8 RGB, mask": lambda: {"values": factory.pixels("uint8", 3), "mask": HALF},
    "uint8 RGB, nodata": lambda: {"values": factory.pixels("uint8", 3), "nodata": 7},
    "uint8 grey": lambda: {"values": factory.pixels("uint8")},
    "uint8 grey, alpha": lambda: {
        "values": np.stack([*factory.pixels("uint8"), HALF]),
        "alpha": True,
    },
    "uint16, 8 bands": lambda: {"values": factory.pixels("uint16", 8), "compress": "lzw"},
    "int16, nodata": lambda: {"values": _with_nodata("int16", -32768), "nodata": -32768},
    "int8": lambda: {"values": factory.pixels("int8")},
    "int32": lambda: {"values": factory.pixels("int32", 2)},
    "uint32": lambda: {"values": factory.pixels("uint32")},
    "int64": lambda: {"values": factory.pixels("int64")},
    "float32, nodata": lambda: {"values": _with_nodata("float32", -9999), "nodata": -9999},
    "float32, NaN": lambda: {"values": _with_nodata("float32", np.nan), "nodata": np.nan},
    "float32, NaN unsaid": lambda: {"values": _with_nodata("float32", np.nan)},
    "float64": lambda: {"values": factory.pixels("float64", 2)},
    "complex64": lambda: {"values": factory.pixels("complex64")},
    "complex128": lambda: {"values": factory.pixels("complex128")},
    "complex_int16": lambda: {"values": factory.pixels("complex_int16"), "dtype": "complex_int16"},
    "palette": lambda: {
        "values": (factory.pixels("uint8") // 52).astype("uint8"),
        "palette": factory.PALETTE,
        "photometric": "palette",
    },
    "one bit": lambda: {"values": factory.pixels("uint8") // 128, "nbits": 1},
    "twelve bits": lambda: {"values": factory.pixels("uint16") // 16, "nbits": 12},
    "rotated": lambda: {"values": factory.pixels("uint8", 3), "transform": factory.rotated(30)},
    "south up": lambda: {
        "values": factory.pixels("uint8", 3),
        "transform": Affine(10, 0, 500_000, 0, 10, 5_200_000),
    },
    "EPSG:4326": lambda: {
        "values": factory.pixels("int16"),
        "crs": "EPSG:4326",
        "transform": Affine(0.25, 0, -20, 0, -0.25, 70),
    },
    "ground control points": lambda: {
        "values": factory.pixels("uint8"),
        "transform": None,
        "crs": None,
        "gcps": factory.ground_control_points(300, 420),
    },
    "tiled, with overviews": lambda: {
        "values": factory.pixels("uint8", 3),
        "tiled": True,
        "overviews": [2, 4],
    },
    "big-endian BigTIFF": lambda: {
        "values": factory.pixels("uint16"),
        "ENDIANNESS": "BIG",
        "BIGTIFF": "YES",
    },
    "1 × 1": lambda: {"values": factory.pixels("uint8", 1, 1, 1)},
    "3 × 5": lambda: {"values": factory.pixels("float32", 2, 3, 5)},
    "one row": lambda: {"values": factory.pixels("uint16", 1, 1, 3000)},
}


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
@pytest.mark.parametrize("case", thin(CASES.values(), every=2), ids=CASES.keys())
def test_keeps_everything(
    case: Callable[[], dict[str, Any]], tmp_path: Path, convert: Convert
) -> None:
    how = case()
    source = factory.write(tmp_path / "input.tif", **how)
    with rasterio.open(source, "r+") as dataset:
        dataset.update_tags(AREA_OR_POINT="Point", survey="2024")
        dataset.update_tags(1, sensor="b")
        dataset.descriptions = [f"band {i} – Höhe" for i in dataset.indexes]
        dataset.scales = [0.1 * i for i in dataset.indexes]
        dataset.offsets = [5.0] * dataset.count
        dataset.units = ["m"] * dataset.count

    target, facts = convert(source)

    assert cog_validate(target, strict=True, quiet=True) == (True, [], [])
    check_cog(target)
    with rasterio.open(source) as before, rasterio.open(target) as after:
        assert before.read().tobytes() == after.read().tobytes()
        np.testing.assert_array_equal(before.read_masks(), after.read_masks())
        for name in (
            "shape", "count", "dtypes", "nodatavals", "mask_flag_enums", "colorinterp",
            "descriptions", "scales", "offsets", "units", "crs", "transform",
        ):  # fmt: skip
            assert repr(getattr(before, name)) == repr(getattr(after, name)), name
        assert after.tags()["survey"] == "2024"
        assert after.tags()["AREA_OR_POINT"] == "Point"
        assert after.tags(1)["sensor"] == "b"
        np.testing.assert_allclose(
            [(g.row, g.col, g.x, g.y) for g in before.gcps[0]],
            [(g.row, g.col, g.x, g.y) for g in after.gcps[0]],
        )
        if "palette" in how:
            assert before.colormap(1) == after.colormap(1)
        assert facts["overviews"] == after.overviews(1)
    assert facts["validation"] == {"valid": True, "errors": [], "warnings": []}
    assert (facts["height"], facts["width"]) == how["values"].shape[1:]
    assert facts["compression"] == "DEFLATE"
    assert len(facts["bands"]) == len(how["values"])


def test_overviews_of_a_palette_have_no_new_classes(tmp_path: Path, convert: Convert) -> None:
    stripes = np.full((1, 900, 900), 1, np.uint8)
    stripes[:, :, ::2] = 3  # half way between the colours of 1 and 3 lies that of 2
    target, _ = convert(factory.write(tmp_path / "i.tif", stripes, palette=factory.PALETTE))
    for level in range(2):
        with rasterio.open(target, OVERVIEW_LEVEL=level) as overview:
            assert set(np.unique(overview.read())) <= {1, 3}


def test_overviews_do_not_mix_nodata_in(tmp_path: Path, convert: Convert) -> None:
    values = np.full((1, 1200, 1200), 100, np.float32)
    values[:, :, 601:] = -9999
    target, _ = convert(factory.write(tmp_path / "i.tif", values, nodata=-9999))
    for level in range(3):
        with rasterio.open(target, OVERVIEW_LEVEL=level) as overview:
            assert set(np.unique(overview.read())) == {100, -9999}


@pytest.mark.parametrize(
    ("values", "profile", "compression", "limit"),
    [
        (factory.pixels("uint8", 3), "zstd", "ZSTD", 0),
        (factory.pixels("float32"), "zstd", "ZSTD", 0),
        (factory.pixels("uint8", 3), "webp", "WEBP", 6),
        (factory.pixels("uint8", 3), "jpeg", "YCbCr JPEG", 6),
        (factory.pixels("uint8"), "jpeg", "JPEG", 6),
    ],
)
def test_profiles(
    values: Any, profile: str, compression: str, limit: float, tmp_path: Path, convert: Convert
) -> None:
    target, facts = convert(factory.write(tmp_path / "i.tif", values), profile)
    check_cog(target)
    assert (facts["profile"], facts["compression"]) == (profile, compression)
    with rasterio.open(target) as dataset:
        assert np.abs(dataset.read().astype(float) - values).mean() <= limit


@pytest.mark.parametrize(
    ("case", "profile"),
    [
        ({"values": factory.pixels("uint16", 3)}, "jpeg"),
        ({"values": factory.pixels("uint8", 1)}, "webp"),
        ({"values": factory.pixels("uint8", 3), "nodata": 0}, "jpeg"),
        ({"values": factory.pixels("uint8", 3), "mask": HALF}, "webp"),
        ({"values": factory.pixels("uint8") // 60, "palette": factory.PALETTE}, "jpeg"),
    ],
)
def test_refuses_a_lossy_profile_that_would_harm(
    case: dict[str, Any], profile: str, tmp_path: Path, convert: Convert
) -> None:
    source = factory.write(tmp_path / "i.tif", **case)
    with pytest.raises(ProcessingError, match="Choose “auto”, “deflate” or “zstd”") as refused:
        convert(source, profile)
    assert refused.value.code == "profile_unsuitable"


def test_the_predictor_is_the_one_that_makes_it_smaller(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    noise = rng.integers(0, 4, (1, 800, 800), dtype=np.uint8) * 60
    for values, expected in ((factory.pixels("int16"), "YES"), (noise, "NO")):
        source = factory.write(tmp_path / "i.tif", values)
        options = choose_recipe(source, inspect(source, Limits(**LIMITS)), Options(), classes=False)
        assert f"PREDICTOR={expected}" in options
        sizes = {}
        for predictor in ("YES", "NO"):
            target = tmp_path / f"{predictor}.tif"
            arguments = [re.sub("PREDICTOR=.*", f"PREDICTOR={predictor}", o) for o in options]
            gdal.translate(source, target, arguments, [], lambda fraction: None)
            sizes[predictor] = target.stat().st_size
        assert min(sizes, key=sizes.__getitem__) == expected


def test_without_libgdal_in_reach_the_pixels_are_the_same(
    tmp_path: Path, convert: Convert, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = factory.write(tmp_path / "i.tif", factory.pixels("uint8", 3), mask=HALF)
    monkeypatch.setattr(gdal, "find_library", lambda: None)
    target, _ = convert(source)
    check_cog(target)
    with rasterio.open(source) as before, rasterio.open(target) as after:
        np.testing.assert_array_equal(before.read(), after.read())
        np.testing.assert_array_equal(before.read_masks(), after.read_masks())


def test_damaged_pixels_are_said_to_be(tmp_path: Path, convert: Convert) -> None:
    smooth = factory.pixels("uint8", 3) // 16  # compresses, so that its bytes are not just pixels
    source = factory.write(tmp_path / "i.tif", smooth, compress="deflate", tiled=True)
    content = bytearray(source.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 4000] = bytes(4000)
    source.write_bytes(content)
    with pytest.raises(ProcessingError, match="damaged or incomplete") as refused:
        convert(source)
    assert refused.value.code == "damaged_pixels"
    assert not list(tmp_path.glob("*.cog.tif*"))


def test_what_stops_the_copy_comes_out_and_leaves_no_file(tmp_path: Path) -> None:
    source = factory.write(tmp_path / "i.tif", factory.pixels("uint8", 3, 1200, 1200))

    class EnoughError(Exception):
        pass

    def stop(fraction: float) -> None:
        if fraction > 0.2:
            raise EnoughError

    with pytest.raises(EnoughError):
        gdal.translate(source, tmp_path / "out.tif", ["-of", "COG"], [], stop)
    assert [path.name for path in tmp_path.iterdir()] == ["i.tif"]


def test_color_interpretation_is_kept(tmp_path: Path, convert: Convert) -> None:
    """Near infrared in front must not become red."""
    source = factory.write(tmp_path / "i.tif", factory.pixels("uint16", 4))
    with rasterio.open(source, "r+") as dataset:
        dataset.colorinterp = [
            ColorInterp.undefined, ColorInterp.red, ColorInterp.green, ColorInterp.blue,
        ]  # fmt: skip
    _, facts = convert(source)
    assert [band["color_interpretation"] for band in facts["bands"]] == [
        "", "red", "green", "blue",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("height", "width", "chosen"), [(4, 200_000, "ZSTD"), (3000, 30, "ZSTD"), (600, 700, "NONE")]
)
def test_overviews_of_a_narrow_raster_do_not_fill_the_disk(
    height: int, width: int, chosen: str, tmp_path: Path
) -> None:
    """GDAL pads them to whole blocks, which is many times a strip's size."""
    values = np.random.default_rng(1).random((1, height, width), np.float32)
    source = factory.write(tmp_path / "strip.tif", values)
    facts = inspect(source, Limits(**LIMITS), Options().bands)
    assert _scratch_compression(source, facts, Options()) == chosen


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
@pytest.mark.parametrize("how", ["north up", "south up", "turned", "control points"])
def test_preview_has_north_up(how: str, tmp_path: Path, convert: Convert) -> None:
    """The north is bright; a raster placed by control points has no transform to turn it by."""
    values = np.repeat(np.linspace(250, 5, 200), 300).reshape(1, 200, 300).astype("uint8")
    values[:, :, :100] = 0  # and the west is dark
    case: dict[str, Any] = {}
    if how == "south up":
        values, case = values[:, ::-1], {"transform": Affine(10, 0, 5e5, 0, 10, 5.2e6)}
    elif how == "turned":
        values, case = values[:, ::-1, ::-1], {"transform": Affine(-10, 0, 5e5, 0, 10, 5.2e6)}
    elif how == "control points":
        case = {"transform": None, "crs": None, "gcps": factory.ground_control_points(200, 300)}
    convert(factory.write(tmp_path / "north.tif", values, **case), values="continuous")
    seen = np.asarray(Image.open(tmp_path / "preview.webp").convert("L"), float)
    height, width = seen.shape
    assert seen[: height // 4, width // 2 :].mean() > seen[-height // 4 :, width // 2 :].mean() + 80
    assert seen[: height // 4, width // 2 :].mean() > seen[: height // 4, : width // 4].mean() + 80
