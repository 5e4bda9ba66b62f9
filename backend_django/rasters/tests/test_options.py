"""What the options do to a result, and which of them are refused in words."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from rio_cogeo.cogeo import cog_validate

from backend_django.processing.errors import ProcessingError
from backend_django.rasters.api.parameters import RasterParametersSerializer

from . import factory
from .cog_check import check_cog
from .conftest import Convert

pytestmark = pytest.mark.slow

RGB = factory.pixels("uint8", 3)
HALF = factory.ellipse(300, 420)


def test_bands_are_chosen_and_put_in_order(tmp_path: Path, convert: Convert) -> None:
    values = factory.pixels("uint16", 5)
    source = factory.write(tmp_path / "i.tif", values)
    with rasterio.open(source, "r+") as dataset:
        dataset.descriptions = [f"band {i}" for i in dataset.indexes]
        dataset.scales = [0.1 * i for i in dataset.indexes]
        dataset.units = [f"u{i}" for i in dataset.indexes]
    target, facts = convert(source, bands="4,1")
    check_cog(target)
    with rasterio.open(target) as dataset:
        np.testing.assert_array_equal(dataset.read(), values[[3, 0]])
        assert dataset.descriptions == ("band 4", "band 1")
        assert dataset.scales == (0.4, 0.1)
        assert dataset.units == ("u4", "u1")
    assert [band["description"] for band in facts["bands"]] == ["band 4", "band 1"]


def test_nodata_is_set_and_taken_away(tmp_path: Path, convert: Convert) -> None:
    source = factory.write(tmp_path / "i.tif", factory.pixels("int16"), nodata=-5)
    for asked, seen in (("0", 0), ("none", None), ("", -5), ("-32768", -32768)):
        target, facts = convert(source, nodata=asked)
        with rasterio.open(source) as before, rasterio.open(target) as after:
            assert after.nodata == seen
            np.testing.assert_array_equal(before.read(), after.read())
        assert facts["nodata"] == seen
    floats = factory.write(tmp_path / "f.tif", factory.pixels("float32"))
    assert convert(floats, nodata="NaN")[1]["nodata"] == "nan"


@pytest.mark.parametrize("size", [128, 512])
def test_block_size(size: int, tmp_path: Path, convert: Convert) -> None:
    values = factory.pixels("uint8", 3, 700, 900)
    target, facts = convert(factory.write(tmp_path / "i.tif", values), block_size=size)
    check_cog(target, size)
    assert facts["block_size"] == [size, size]


@pytest.mark.parametrize("width", [256, 512])
def test_no_image_of_it_is_one_block_wide(width: int, tmp_path: Path, convert: Convert) -> None:
    """Validators take it for strips."""
    target, _ = convert(factory.write(tmp_path / "i.tif", factory.pixels("uint8", 1, 2100, width)))
    assert cog_validate(target, strict=True, quiet=True) == (True, [], [])


def test_a_block_that_takes_too_much_memory_is_made_smaller(
    tmp_path: Path, convert: Convert
) -> None:
    values = np.zeros((8, 60, 60), np.float64)
    _, facts = convert(factory.write(tmp_path / "i.tif", values), block_size=1024)
    assert facts["block_size"] == [512, 512]  # 16 MB; the next would be 64


def test_overview_resampling(tmp_path: Path, convert: Convert) -> None:
    values = np.zeros((1, 600, 600), np.uint8)
    values[:, ::2, ::2] = 200
    for asked, seen in (("average", {50}), ("nearest", {200}), ("mode", {0})):
        target, _ = convert(factory.write(tmp_path / "i.tif", values), overview_resampling=asked)
        with rasterio.open(target, OVERVIEW_LEVEL=0) as overview:
            assert set(np.unique(overview.read())) == seen, asked


def test_profile_lzw(tmp_path: Path, convert: Convert) -> None:
    target, facts = convert(factory.write(tmp_path / "i.tif", RGB), "lzw")
    check_cog(target)
    assert facts["compression"] == "LZW"


@pytest.mark.parametrize(
    ("case", "parameters", "code"),
    [
        ({"values": RGB}, {"bands": "4"}, "no_such_band"),
        (
            {"values": RGB, "crs": "EPSG:3857", "transform": Affine(1e4, 0, 1.9e7, 0, -1e4, 1e6)},
            {"grid": "web"},
            "crosses_antimeridian",
        ),
        ({"values": RGB}, {"nodata": "300"}, "nodata_unsuitable"),
        ({"values": RGB}, {"nodata": "nan"}, "nodata_unsuitable"),
        ({"values": RGB}, {"nodata": "1.5"}, "nodata_unsuitable"),
        ({"values": factory.pixels("int16")}, {"grid": "web"}, "nodata_needed"),
        ({"values": RGB}, {"bands": "1,2", "profile": "jpeg"}, "profile_unsuitable"),
        ({"values": RGB}, {"nodata": "0", "profile": "webp"}, "profile_unsuitable"),
    ],
)
def test_what_cannot_be_is_refused_in_words(
    case: dict[str, Any], parameters: dict[str, str], code: str, tmp_path: Path, convert: Convert
) -> None:
    source = factory.write(tmp_path / "i.tif", **case)
    with pytest.raises(ProcessingError, match=r"\.$") as refused:
        convert(source, **{"profile": "auto"} | parameters)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("profile", "zip"), ("grid", "mars"), ("overview_resampling", "best"),
        ("block_size", "100"), ("block_size", "x"), ("nodata", "a"), ("nodata", "1,5"),
        ("nodata", "9" * 60), ("bands", "0"), ("bands", "1,1"), ("bands", "1;2"), ("bands", "1,"),
        ("bands", ",".join(map(str, range(1, 100)))), ("map_copy", "perhaps"),
    ],
)  # fmt: skip
def test_nonsense_is_refused_before_anything_is_stored(field: str, value: str) -> None:
    serializer = RasterParametersSerializer(data={field: value})
    assert not serializer.is_valid()
    assert set(serializer.errors) == {field}


def test_what_is_left_out_has_a_default() -> None:
    serializer = RasterParametersSerializer(data={"bands": "3, 2,1", "nodata": "-9999.0"})
    assert serializer.is_valid(), serializer.errors
    assert serializer.validated_data == {
        "profile": "auto", "grid": "native", "overview_resampling": "auto", "block_size": 256,
        "nodata": "-9999.0", "bands": "3,2,1", "values": "auto", "crs": "", "corners": "",
        "gcps": "", "layer": "", "map_copy": False,
    }  # fmt: skip
