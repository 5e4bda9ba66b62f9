"""Pixels say whether they are classes; then nothing mixes them, and the legend counts them."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from PIL import Image

from backend_django.processing.errors import ProcessingError
from backend_django.rasters import tiles
from backend_django.rasters.bands import BandFacts, common_names
from backend_django.rasters.styles import Style, default_style, parse_style
from tests.matrix import matrix

from . import factory
from .conftest import Convert

pytestmark = pytest.mark.slow


def fields(count: int, height: int = 1100, width: int = 1300) -> Any:
    """Return a map of land: patches of classes that are in no order."""
    rng = np.random.default_rng(count)
    small = rng.integers(0, count, (height // 20 + 1, width // 20 + 1))
    return np.kron(small, np.ones((20, 20), int))[np.newaxis, :height, :width]


def seen(target: Path, facts: dict[str, Any], zoom: int, query: Any = None) -> Any:
    west, south, east, north = facts["bounds"]
    tile = factory.tile_of((west + east) / 2, (south + north) / 2, zoom)
    bands = facts["bands"]
    style = parse_style(query, bands) if query else default_style(bands)
    picture = tiles.render_tile(target, *tile, style)
    assert picture is not None
    return np.asarray(Image.open(io.BytesIO(picture.content)).convert("RGBA"))


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["uint8", "int16", matrix("int32"), matrix("int64"), "float32"])
@pytest.mark.parametrize("count", [2, matrix(3), matrix(11), 44])
def test_few_whole_numbers_are_classes(
    dtype: str, count: int, tmp_path: Path, convert: Convert
) -> None:
    values = (fields(count) * 5 + 1).astype(dtype)
    target, facts = convert(factory.write(tmp_path / "i.tif", values, nodata=6))
    assert facts["values"] == "classes"
    classes = facts["bands"][0]["classes"]
    known = [v for v in np.unique(values).tolist() if v != 6]
    assert [one["value"] for one in classes] == known
    assert [one["count"] for one in classes] == [int((values == v).sum()) for v in known]
    with rasterio.open(target) as dataset:
        for factor in dataset.overviews(1):
            small = dataset.read(1, out_shape=(1100 // factor, 1300 // factor), masked=True)
            assert set(np.unique(small.compressed())) <= set(known)
    colours = {bytes.fromhex(one["colour"]) for one in classes}
    assert len(colours) == min(len(known), 24)
    for zoom in range(facts["maxzoom"] - 4, facts["maxzoom"] + 1):
        picture = seen(target, facts, zoom)
        drawn = {bytes(colour[:3]) for colour in picture.reshape(-1, 4) if colour[3]}
        assert drawn <= colours, zoom


def stairs(count: int) -> Any:
    """Return low hills in whole metres: few values, one beside the next."""
    hills = factory.landscape(1100, 1300)
    smooth = np.sort(hills.ravel()).reshape(hills.shape)
    return (smooth * (count - 1)).round()[np.newaxis]


@pytest.mark.parametrize(
    "values",
    [
        stairs(30).astype("int16"),
        factory.pixels("uint8", 1),
        factory.pixels("float32", 1),
        factory.pixels("uint8", 3) // 128,
        np.arange(9, dtype="uint8").reshape(1, 3, 3),
        fields(90).astype("uint8"),
        fields(4) + 0.5,
    ],
    ids=["flat land", "grey", "float", "colours", "3 × 3", "many", "fractions"],
)
def test_measurements_are_none(values: Any, tmp_path: Path, convert: Convert) -> None:
    _, facts = convert(factory.write(tmp_path / "i.tif", values))
    assert facts["values"] == "continuous"
    assert facts["bands"][0]["classes"] is None


def test_what_is_found_can_be_corrected(tmp_path: Path, convert: Convert) -> None:
    source = factory.write(tmp_path / "i.tif", fields(9).astype("uint8"))
    _, facts = convert(source, values="continuous")
    assert facts["values"] == "continuous"
    assert default_style(facts["bands"]).ranges
    low = factory.write(tmp_path / "low.tif", stairs(30).astype("uint8"))
    target, facts = convert(low, values="classes")
    assert len(facts["bands"][0]["classes"]) == 30
    with rasterio.open(target) as dataset:
        assert set(np.unique(dataset.read(1, out_shape=(137, 162)))) <= set(range(30))
    with pytest.raises(ProcessingError, match="cannot be classes"):
        convert(factory.write(tmp_path / "f.tif", factory.pixels("float32", 1)), values="classes")


def test_a_cog_whose_overviews_mix_classes_is_made_anew(tmp_path: Path, convert: Convert) -> None:
    plain = factory.write(tmp_path / "plain.tif", (fields(2) * 8 + 1).astype("uint8"), tiled=True)
    for resampling, reason in (("AVERAGE", "its overviews do not show its pixels"), ("MODE", "")):
        source = tmp_path / f"{resampling}.tif"
        options = {"BLOCKSIZE": 256, "OVERVIEW_RESAMPLING": resampling, "COMPRESS": "DEFLATE"}
        rasterio.shutil.copy(plain, source, driver="COG", **options)
        target, facts = convert(source, profile="auto")
        assert facts["converted_because"] == reason
        with rasterio.open(target) as dataset:
            assert set(np.unique(dataset.read(1, out_shape=(137, 162)))) == {1, 9}


def test_a_palette_gives_classes_their_colours(tmp_path: Path, convert: Convert) -> None:
    values = (factory.pixels("uint8", 1) // 60).astype("uint8")
    source = factory.write(tmp_path / "i.tif", values, palette=factory.PALETTE)
    _, facts = convert(source)
    classes = facts["bands"][0]["classes"]
    assert [one["colour"] for one in classes] == [
        bytes(factory.PALETTE[one["value"]][:3]).hex() for one in classes
    ]


def test_classes_can_be_drawn_as_measurements(tmp_path: Path, convert: Convert) -> None:
    target, facts = convert(factory.write(tmp_path / "i.tif", fields(9).astype("uint8")))
    picture = seen(target, facts, facts["maxzoom"], {"colormap": "grey", "rescale": "0,8"})
    assert (picture[..., 0] == picture[..., 1]).all()
    assert np.ptp(picture[..., 0]) > 150


def test_one_band_of_eight_bits_is_stretched(tmp_path: Path, convert: Convert) -> None:
    dark = (factory.pixels("uint8", 1) // 8 + 3).astype("uint8")
    target, facts = convert(factory.write(tmp_path / "i.tif", dark), values="continuous")
    picture = seen(target, facts, facts["maxzoom"])
    assert np.ptp(picture[..., 0]) > 150
    preview = np.asarray(Image.open(tmp_path / "preview.webp").convert("L"))
    assert np.ptp(preview) > 200


S2 = ["B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B11", "B12"]
L8 = [f"SR_B{number}" for number in range(1, 8)]
L5 = [f"SR_B{number}" for number in (1, 2, 3, 4, 5, 7)]


@pytest.mark.parametrize(
    ("descriptions", "name", "shown"),
    [
        (S2, "", (4, 3, 2)),
        (["B8", "B4", "B3", "B2"], "", (2, 3, 4)),
        (L8, "", (4, 3, 2)),
        (L5, "", (3, 2, 1)),
        (["Blue", "Green", "Red", "NIR"], "", (3, 2, 1)),
        (["near infrared", "red", "green", "blue"], "", (2, 3, 4)),
        (["Rot", "Grün", "Blau"], "", (1, 2, 3)),
        (["blue (490 nm)", "red_665nm", "green-560"], "", (2, 3, 1)),
        (["sur_refl_red", "sur_refl_blue", "sur_refl_green"], "", (1, 3, 2)),
        ([f"{wavelength} nm" for wavelength in range(420, 2450, 9)], "", (27, 17, 8)),
        ([""] * 4, "20200101_psscene_analyticms.tif", (3, 2, 1)),
        ([""] * 8, "20220101_3B_AnalyticMS_SR_8b.tif", (6, 4, 2)),
        ([""] * 4, "m_3807505_ne_18_1_20110530.tif", (1, 2, 3)),
        ([""] * 7, "LC08_L2SP_2019.tif", (1,)),
        ([""] * 4, "unknown.tif", (1,)),
        (["Band 1", "Band 2", "Band 3", "Band 4"], "", (1,)),
        (["slope", "aspect", "shade"], "", (1,)),
        (["red edge 1", "red edge 2", "nir"], "", (1,)),
    ],
)
def test_bands_are_chosen_by_what_they_are(
    descriptions: list[str], name: str, shown: tuple[int, ...]
) -> None:
    names = common_names([BandFacts(text) for text in descriptions], name)
    bands = [
        {"index": i, "dtype": "uint16", "color_interpretation": "", "common_name": common}
        for i, common in enumerate(names, start=1)
    ]
    assert default_style(bands).bands == shown


def test_names_come_before_colours_and_colours_before_nothing() -> None:
    facts = [BandFacts("nir", "red"), BandFacts("", "green"), BandFacts("blue", "blue")]
    assert common_names(facts) == ["nir", "green", "blue"]
    assert common_names([BandFacts("", "gray"), BandFacts("", "alpha")]) == ["", ""]
    by_length = [BandFacts("", "", length) for length in (0.49, 0.56, 0.66, 0.84, 1.61)]
    assert common_names(by_length) == ["blue", "green", "red", "nir", "swir16"]


def test_results_of_earlier_releases_are_still_drawn() -> None:
    old = {"dtype": "uint8", "percentile_2": 1.0, "percentile_98": 9.0}
    colours = [
        old | {"index": i, "color_interpretation": colour}
        for i, colour in enumerate(("red", "green", "blue"), start=1)
    ]
    assert default_style(colours) == Style((1, 2, 3))
    assert default_style([old | {"index": 1, "color_interpretation": "gray"}]).bands == (1,)
