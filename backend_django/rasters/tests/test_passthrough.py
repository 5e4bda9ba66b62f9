"""A good COG is handed on byte by byte, and nothing else is."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rio_cogeo.cogeo import cog_translate
from rio_cogeo.profiles import cog_profiles

from backend_django.processing.errors import ProcessingError
from backend_django.rasters import passthrough
from tests.matrix import thin

from . import factory
from .conftest import Convert

pytestmark = pytest.mark.slow

RGB = factory.pixels("uint8", 3, 1200, 1500)


def make_cog(path: Path, values: Any = RGB, **options: str) -> Path:
    """Write a COG as other people's tools do."""
    plain = factory.write(
        path.with_suffix(".plain.tif"), values, nodata=options.pop("nodata", None)
    )
    rasterio.shutil.copy(plain, path, driver="COG", **options)
    return path


@pytest.mark.parametrize(
    "compress", thin(["DEFLATE", "LZW", "ZSTD", "JPEG", "WEBP", "NONE"], every=3)
)
def test_a_good_cog_is_kept(compress: str, tmp_path: Path, convert: Convert) -> None:
    source = make_cog(tmp_path / "i.tif", COMPRESS=compress)
    target, facts = convert(source, "auto")
    assert (facts["kept"], facts["converted_because"]) == (True, "")
    assert target.read_bytes() == source.read_bytes()
    assert facts["validation"]["valid"]


def test_those_of_rio_cogeo_are_kept_too(tmp_path: Path, convert: Convert) -> None:
    plain = factory.write(tmp_path / "p.tif", RGB, mask=factory.ellipse(1200, 1500))
    source = tmp_path / "i.tif"
    profile = cog_profiles.get("deflate") | {"blockxsize": 256, "blockysize": 256}
    cog_translate(plain, source, profile, quiet=True)
    target, facts = convert(source, "auto")
    assert facts["kept"], facts["converted_because"]
    assert target.read_bytes() == source.read_bytes()


def test_what_we_make_is_kept_when_it_comes_back(tmp_path: Path, convert: Convert) -> None:
    cases: dict[str, dict[str, Any]] = {
        "float": {"values": factory.pixels("float32", 1, 700, 800), "nodata": -9999},
        "palette": {"values": RGB[:1] // 52, "palette": factory.PALETTE},
    }
    for name, case in cases.items():
        once, _ = convert(factory.write(tmp_path / f"{name}.tif", **case))
        twice, facts = convert(once, "auto")
        assert facts["kept"], facts["converted_because"]
        assert twice.read_bytes() == once.read_bytes()


def test_choosing_anything_writes_it_anew(tmp_path: Path, convert: Convert) -> None:
    source = make_cog(tmp_path / "i.tif", COMPRESS="LZW")
    for options in ({"profile": "deflate"}, {"profile": "auto", "nodata": "3"}):
        target, facts = convert(source, **options)
        assert (facts["kept"], facts["compression"]) == (False, "DEFLATE")
        assert target.read_bytes() != source.read_bytes()


def _with_item(path: Path, item: bytes) -> Path:
    """Write an item into the metadata of a COG as no writer would, but an editor of bytes."""
    plain = factory.write(path.with_suffix(".plain.tif"), RGB)
    with rasterio.open(plain, "r+") as dataset:
        dataset.update_tags(survey="x" * 80)
    rasterio.shutil.copy(plain, path, driver="COG")
    content = path.read_bytes()
    harmless = b'<Item name="survey">' + b"x" * 80 + b"</Item>"
    assert content.count(harmless) == 1
    path.write_bytes(content.replace(harmless, item.ljust(len(harmless))))
    return path


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: factory.write(path, RGB), "tiles"),
        (
            lambda path: factory.write(path, RGB, tiled=True, blockxsize=256, blockysize=256),
            "overviews",
        ),
        (lambda path: make_cog(path, OVERVIEWS="NONE"), "overviews"),
        (lambda path: make_cog(path, BLOCKSIZE="2048"), "tiles are very"),
        (lambda path: make_cog(path, COMPRESS="LERC"), "tags|compression"),
        (lambda path: make_cog(path, RGB[:1] // 128, COMPRESS="LZMA"), "compression"),
        (
            lambda path: _with_item(path, b'<Item name="X" domain="GEOLOCATION">/etc/x</Item>'),
            "metadata",
        ),
        (lambda path: _with_item(path, b"<!-- nothing -->"), "metadata"),
        (
            lambda path: factory.write(
                path, RGB, tiled=True, blockxsize=256, blockysize=256, overviews=[2, 4]
            ),
            "not a valid Cloud-Optimized",
        ),
        (lambda path: factory.write(path, RGB, tiled=True, ENDIANNESS="BIG"), "structure"),
    ],
    ids=[
        "strips", "no overviews", "COG without", "large tiles", "LERC", "LZMA", "a domain",
        "markup", "plain TIFF with overviews", "big-endian",
    ],
)  # fmt: skip
def test_anything_else_is_written_anew(
    make: Any, words: str, tmp_path: Path, convert: Convert
) -> None:
    source = make(tmp_path / "i.tif")
    target, facts = convert(source, "auto")
    assert not facts["kept"]
    assert any(word in facts["converted_because"] for word in words.split("|")), facts[
        "converted_because"
    ]
    assert target.read_bytes() != source.read_bytes()


def test_damaged_pixels_of_a_cog_are_found(tmp_path: Path, convert: Convert) -> None:
    source = make_cog(tmp_path / "i.tif", RGB // 16, COMPRESS="DEFLATE")
    content = bytearray(source.read_bytes())
    middle = len(content) * 2 // 3
    content[middle : middle + 3000] = bytes(3000)
    source.write_bytes(content)
    with pytest.raises(ProcessingError) as refused:
        convert(source, "auto")
    assert refused.value.code == "damaged_pixels"


def test_blocks_beyond_the_end_or_on_each_other(tmp_path: Path, convert: Convert) -> None:
    """Each offset of the first overview is that of its first block: one is decoded many times."""
    source = make_cog(tmp_path / "i.tif", np.tile(RGB[:1], (1, 2, 2)), COMPRESS="NONE")
    from .cog_check import OFFSETS, read_directories

    content = bytearray(source.read_bytes())
    offsets = read_directories(bytes(content))[1].tags[OFFSETS]
    packed = np.array(offsets, "<u4").tobytes()
    at = content.find(packed)
    assert at > 0
    content[at : at + len(packed)] = np.full(len(offsets), offsets[0], "<u4").tobytes()
    source.write_bytes(content)
    _, facts = convert(source, "auto")
    assert not facts["kept"]
    assert "over each other" in facts["converted_because"]


def test_many_overviews_are_compared_in_small_windows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whole rasters of 100,000 pixels a side would be read for each window of the smallest one."""
    source = make_cog(tmp_path / "deep.tif", np.tile(RGB[:1], (1, 6, 7)), OVERVIEW_COUNT="11")
    with rasterio.open(source) as dataset:
        assert max(dataset.overviews(1)) > 1000
    sides: list[float] = []
    read = passthrough._read

    def seen(dataset: Any, band: int, window: Any) -> Any:
        sides.extend([window.width, window.height])
        return read(dataset, band, window)

    monkeypatch.setattr(passthrough, "_read", seen)
    assert passthrough.overviews_show_pixels(source, None, lossy=False)
    assert max(sides) <= 1024 + 4 * 3


def test_an_overview_that_is_smaller_by_very_much_is_made_anew(tmp_path: Path) -> None:
    source = factory.write(
        tmp_path / "i.tif", RGB, tiled=True, blockxsize=256, blockysize=256, overviews=[128]
    )
    assert not passthrough.overviews_show_pixels(source, None, lossy=False)
