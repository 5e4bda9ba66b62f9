"""What is written in one pass is what GDAL's COG driver writes of the same upload."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rio_cogeo.cogeo import cog_validate

from backend_django.rasters import cog_writer
from backend_django.rasters import convert as conversion
from backend_django.rasters.inspection import read_facts
from backend_django.rasters.tiff import COUNTS, OFFSETS, TILE_WIDTH, read_directories
from tests.matrix import combine, matrix, thin

from . import factory
from .cog_check import check_cog
from .conftest import Convert
from .test_convert import CASES
from .test_fidelity import LAYOUTS

pytestmark = pytest.mark.slow

CHOICES: dict[str, list[Any]] = {
    "dtype": ["uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64"],
    "count": [1, 3, 5],
    "size": [(300, 420), (512, 512), (515, 333), (601, 1301), (256, 257), (40, 30)],
    "missing": ["nothing", "some", "unlike any pixel", "all"],
    "layout": ["strips", "tiles", "planes apart", "big-endian BigTIFF"],
    "profile": ["deflate", "zstd", "lzw"],
    "overviews": ["auto", "average", "mode", "nearest"],
    "block": [128, 256, 512],
    "values": ["auto", "classes", "floats alike"],
}
Case = tuple[Any, ...]


def cases(of: int) -> list[Case]:
    return combine(CHOICES.values(), of=of, seed=19)


def write_case(path: Path, case: Case) -> Path:
    dtype, count, (height, width), missing, layout, _, overviews, _, values = case
    pixels = factory.pixels(dtype, count, height, width)
    if values == "classes":
        pixels = (factory.pixels("uint8", count, height, width) // 37).astype(dtype)
    nodata = None
    if missing != "nothing":
        nodata = np.nan if dtype == "float32" and overviews == "average" else 7
    if missing == "some":
        holes = np.random.default_rng(2).random((height, width)) < 0.2
        holes[height // 3 : height // 2, width // 5 :] = True
        pixels[:, holes] = nodata
    elif missing == "all":
        pixels[:] = nodata
    return factory.write(path, pixels, nodata=nodata, **LAYOUTS[layout])


def both_ways(
    source: Path,
    convert: Convert,
    monkeypatch: pytest.MonkeyPatch,
    *,
    must: bool = True,
    **options: Any,
) -> list[tuple[Path, dict[str, Any]]]:
    """Convert in one pass, and by GDAL's driver; return nothing for what is the driver's alone."""
    reasons: list[str] = []

    def note(*arguments: Any) -> str:
        reasons.append(cog_writer.reason_for_gdal(*arguments))
        return reasons[-1]

    with monkeypatch.context() as patch:
        patch.setattr(conversion, "reason_for_gdal", note)
        ours = convert(source, **options)
        if not must and reasons != [""]:
            return []
        patch.setattr(conversion, "reason_for_gdal", lambda *arguments: "asked for")
        theirs = convert(source, **options)
    assert reasons == [""]
    return [ours, theirs]


def assert_alike(ours: Path, theirs: Path, *, mode: bool) -> None:
    """Assert that two COGs have the same pixels, tags and overviews."""
    mine, its = read_directories(ours), read_directories(theirs)
    assert len(mine) == len(its)
    for one, other in zip(mine, its, strict=True):
        assert one.tags.keys() == other.tags.keys()
        for tag in one.tags.keys() - {OFFSETS, COUNTS}:
            assert one.tags[tag].tobytes() == other.tags[tag].tobytes(), tag
    assert repr(read_facts(ours)) == repr(read_facts(theirs))
    with rasterio.open(ours) as one, rasterio.open(theirs) as other:
        larger = one.read()
        assert larger.tobytes() == other.read().tobytes()
        np.testing.assert_array_equal(one.read_masks(), other.read_masks())
        for band in (0, *one.indexes):
            for domain in (None, "IMAGE_STRUCTURE"):
                assert one.tags(band, ns=domain) == other.tags(band, ns=domain)
    for level in range(len(mine) - 1):
        with (
            rasterio.open(ours, OVERVIEW_LEVEL=level) as one,
            rasterio.open(theirs, OVERVIEW_LEVEL=level) as other,
        ):
            small = one.read()
            if mode:
                assert_most_frequent(larger, small, other.read(), one.nodata)
            else:
                np.testing.assert_array_equal(one.read_masks(), other.read_masks())
                assert_rounded_alike(small, other.read())
            larger = small


def assert_rounded_alike(ours: Any, theirs: Any) -> None:
    """Assert that means differ by the last digit at most.

    The weights of pixels at the edges of a mean are differences of large numbers, which depend on
    where a window begins: a mean half way between two whole numbers may be rounded to the other.
    """
    room = 1.0
    if ours.dtype.kind == "f" and np.isfinite(theirs).any():
        room = 2 * np.finfo(ours.dtype).eps * float(np.nanmax(np.abs(theirs)))
    ours, theirs = ours.astype(np.float64), theirs.astype(np.float64)
    both = np.isfinite(ours) & np.isfinite(theirs)
    odd = ~both & ~(ours == theirs) & ~(np.isnan(ours) & np.isnan(theirs))
    odd[both] = np.abs(ours[both] - theirs[both]) > room
    assert not odd.any(), (ours[odd][:5], theirs[odd][:5])


def assert_most_frequent(larger: Any, ours: Any, theirs: Any, nodata: float | None) -> None:
    """Assert that where overviews differ, ours has the value that most pixels have.

    At the end of its own windows GDAL leaves a row of pixels out. Each level is made of the one
    before, so that such a difference has others.
    """
    ratios = [large / small for large, small in zip(larger.shape[1:], ours.shape[1:], strict=True)]
    odd = np.argwhere((ours != theirs) & ~(np.isnan(ours) & np.isnan(theirs)))
    assert len(odd) <= ours.size / 100
    for band, *place in odd:
        spans = [
            slice(int(at * ratio + 1e-8), math.ceil((at + 1) * ratio - 1e-8))
            for at, ratio in zip(place, ratios, strict=True)
        ]
        pixels = larger[band, *spans]
        values, counts = np.unique(pixels[pixels != nodata], return_counts=True)
        assert counts[values == ours[band, *place]] == counts.max()


def check_case(
    case: Case, tmp_path: Path, convert: Convert, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write_case(tmp_path / "i.tif", case)
    *_, profile, overviews, block, _ = case
    options = {"profile": profile, "overview_resampling": overviews, "block_size": block}
    (ours, said), (theirs, said_too) = both_ways(source, convert, monkeypatch, **options)
    check_cog(ours, block=read_directories(theirs)[0].number(TILE_WIDTH))
    assert cog_validate(ours, strict=True, quiet=True)[0]
    assert_alike(ours, theirs, mode=overviews == "mode" or said["values"] == "classes")
    assert_said_alike(said, said_too)


def assert_said_alike(said: dict[str, Any], said_too: dict[str, Any]) -> None:
    """Assert that the same is said of two COGs."""
    for mine, its in zip(said.pop("bands"), said_too.pop("bands"), strict=True):
        if its["valid_count"]:
            room = 0.02 * (its["maximum"] - its["minimum"])
            for name in ("percentile_2", "percentile_98"):  # of samples, where values are many
                assert mine.pop(name) == pytest.approx(its.pop(name), abs=room)
            for name in ("mean", "std"):
                assert mine.pop(name) == pytest.approx(its.pop(name), rel=1e-12)
        assert mine == its
    assert repr(said) == repr(said_too)


@pytest.mark.parametrize(
    "case", [case if at % 12 == 0 else matrix(case) for at, case in enumerate(cases(2))], ids=str
)
def test_it_is_what_gdal_writes(
    case: Case, tmp_path: Path, convert: Convert, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_case(case, tmp_path, convert, monkeypatch)


ALIKE: dict[str, Callable[[], dict[str, Any]]] = {
    "JPEG": lambda: {
        "values": factory.pixels("uint8", 3, 900, 800), "photometric": "YCBCR",
        "compress": "jpeg", "tiled": True,
    },
    "JPEG in strips": lambda: {
        "values": factory.pixels("uint8", 3, 900, 800), "photometric": "YCBCR", "compress": "jpeg",
    },
    "LERC": lambda: {"values": factory.pixels("float32", 2, 900, 800), "compress": "lerc_zstd"},
    "a strip of all": lambda: {"values": factory.pixels("int16", 2, 900, 800), "blockysize": 900},
    "tall tiles": lambda: {
        "values": factory.pixels("uint8", 3, 1100, 1300), "tiled": True, "blockxsize": 48,
        "blockysize": 1040, "photometric": "RGB",
    },
    "no finite number": lambda: {"values": np.full((1, 700, 600), np.inf, np.float32)},
    "NaN among numbers": lambda: {
        "values": np.where(
            factory.ellipse(700, 600) > 0, factory.pixels("float32", 1, 700, 600), np.nan
        ).astype("float32"),
    },
}  # fmt: skip


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
@pytest.mark.parametrize("name", thin([*ALIKE, *CASES], every=3))
def test_so_is_every_other_raster(
    name: str, tmp_path: Path, convert: Convert, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = factory.write(tmp_path / "i.tif", **(ALIKE | CASES)[name]())
    with rasterio.open(source, "r+") as dataset:
        dataset.update_tags(survey="2024 – Höhe", TIFFTAG_DATETIME="2024:05:06 07:08:09")
        dataset.update_tags(dataset.count, sensor="<b> & c", STATISTICS_MEAN="3")
        dataset.update_tags(ns="own", note="<a> & b – ä")
        dataset.descriptions = [f"band {index} – Höhe" for index in dataset.indexes]
        dataset.scales, dataset.offsets = [0.1] * dataset.count, [5.0] * dataset.count
    found = both_ways(source, convert, monkeypatch, must=name in ALIKE)
    if found:
        (ours, said), (theirs, said_too) = found
        check_cog(ours)
        assert_alike(ours, theirs, mode=said["values"] == "classes")
        assert_said_alike(said, said_too)
