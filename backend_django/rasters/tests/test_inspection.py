"""What is refused before any pixel is read, and in which words; and where a raster is."""

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import rasterio
from affine import Affine
from rasterio.rpc import RPC

from backend_django.processing.errors import ProcessingError
from backend_django.rasters.inspection import Limits, inspect
from backend_django.rasters.settings import LIMITS

from . import factory

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")


def refusal(path: Path, **limits: int) -> ProcessingError:
    with pytest.raises(ProcessingError) as refused:
        inspect(path, Limits(**(LIMITS | limits)))
    message = refused.value.message
    assert message[0].isupper()
    assert message.endswith((".", "?"))
    assert str(path) not in message
    assert path.name not in message
    return refused.value


def tiff(**tags: tuple[int, Sequence[float]]) -> bytes:
    """Return a TIFF of one directory with tags t256=(type, values), and no data."""
    kinds = {3: "H", 4: "I", 12: "d"}
    entries, extra = b"", b""
    start = 8 + 2 + 12 * len(tags) + 4
    for name, (kind, values) in sorted(tags.items(), key=lambda item: int(item[0][1:])):
        raw = struct.pack(f"<{len(values)}{kinds[kind]}", *values)
        if len(raw) > 4:
            extra, raw = extra + raw, struct.pack("<I", start + len(extra))
        entries += struct.pack("<HHI", int(name[1:]), kind, len(values)) + raw.ljust(4, b"\0")
    head = b"II*\0" + struct.pack("<IH", 8, len(tags))
    return head + entries + struct.pack("<I", 0) + extra


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (b"", "empty_file", "empty"),
        (b"hello, world", "not_a_tiff", "not a GeoTIFF"),
        (b"7z\xbc\xaf" + bytes(60), "not_a_tiff", "7-Zip archive: unpack"),
        (b"\x89HDF\r\n\x1a\n" + bytes(60), "not_a_tiff", "may name other files"),
        (b"SQLite format 3\0" + bytes(60), "not_a_tiff", "gdal_translate in.gpkg"),
        (b"NITF02.10" + bytes(60), "not_a_tiff", "gdal_translate in.ntf"),
        (b"  <VRTDataset rasterXSize='1'/>", "not_a_tiff", "VRT"),
        (b"II*\0", "unreadable", "damaged"),
        (b"II*\0\x08\0\0\0", "unreadable", "damaged"),
        (b"II*\0" + bytes(range(256)), "unreadable", "damaged"),
        (b"MM\0+\0\x08\0\0" + bytes(500), "unreadable", "damaged"),
        (b"II+\0\x08\0\0\0" + struct.pack("<Q", 2**63 + 9), "unreadable", "damaged"),
        (tiff(t256=(4, [10]), t257=(4, [10])), "unreadable", "damaged"),
    ],
)
def test_what_is_no_geotiff(content: bytes, code: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "x7f3"
    path.write_bytes(content)
    refused = refusal(path)
    assert refused.code == code
    assert words in refused.message


def test_a_directory_that_points_to_itself(tmp_path: Path) -> None:
    source = factory.write(tmp_path / "x7f3", factory.pixels("uint8", 1, 20, 30))
    content = bytearray(source.read_bytes())
    (start,) = struct.unpack_from("<I", content, 4)
    (count,) = struct.unpack_from("<H", content, start)
    struct.pack_into("<I", content, start + 2 + 12 * count, start)
    source.write_bytes(content)
    inspect(source, Limits(**LIMITS))  # libtiff ends the circle; what matters is that it ends


def test_an_incomplete_file(tmp_path: Path) -> None:
    source = factory.write(tmp_path / "x7f3", factory.pixels("uint16", 2))
    content = source.read_bytes()
    source.write_bytes(content[: len(content) - 100])
    refused = refusal(source)
    assert refused.code == "truncated"
    assert "its end is missing" in refused.message


def test_without_a_crs(tmp_path: Path) -> None:
    source = factory.write(tmp_path / "x7f3", factory.pixels("uint8"), crs=None)
    refused = refusal(source)
    assert refused.code == "no_crs"
    assert "gdal_edit.py -a_srs" in refused.message


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
@pytest.mark.parametrize("crs", [None, "EPSG:4326"])
def test_an_unrectified_image(crs: Any, tmp_path: Path) -> None:
    source = factory.write(tmp_path / "x7f3", factory.pixels("uint8"), crs=crs, transform=None)
    with rasterio.open(source, "r+") as dataset:
        first, column, row = ([i == term for i in range(20)] for term in range(3))
        dataset.rpcs = RPC(
            height_off=0, height_scale=1, lat_off=47, lat_scale=1, long_off=11, long_scale=1,
            line_off=1, line_scale=1, samp_off=1, samp_scale=1, line_num_coeff=row,
            line_den_coeff=first, samp_num_coeff=column, samp_den_coeff=first,
        )  # fmt: skip
    refused = refusal(source)
    assert refused.code == "unrectified"
    assert "gdalwarp -rpc" in refused.message


@pytest.mark.parametrize("code", [50002, 50003, 34712, 8888])  # JPEG XL, JPEG 2000, …
def test_a_codec_that_is_not_here(code: int, tmp_path: Path) -> None:
    source = factory.write(tmp_path / "x7f3", factory.pixels("uint8"), compress="deflate")
    content = source.read_bytes()
    at = content.find(struct.pack("<HHI", 259, 3, 1)) + 8
    source.write_bytes(content[:at] + struct.pack("<H", code) + content[at + 2 :])
    refused = refusal(source)
    assert refused.code == "codec_missing"
    assert "the file may be sound" in refused.message


def test_without_a_place(tmp_path: Path) -> None:
    source = factory.write(tmp_path / "x7f3", factory.pixels("uint8"), transform=None)
    refused = refusal(source)
    assert refused.code == "no_georeference"
    assert "-a_ullr" in refused.message


@pytest.mark.parametrize(
    ("crs", "transform", "code"),
    [
        ("EPSG:4326", factory.ORIGIN, "outside_crs"),  # metres labelled as degrees
        ('LOCAL_CS["site",UNIT["metre",1]]', factory.ORIGIN, "unusable_crs"),
        ("EPSG:32632", Affine(1e7, 0, 1e12, 0, -1e7, 1e12), "outside_crs"),
        ("EPSG:32632", Affine(0, 0, 5e5, 0, 0, 5e6), "no_georeference"),
    ],
)
def test_a_crs_that_places_it_nowhere(
    crs: str, transform: Affine, code: str, tmp_path: Path
) -> None:
    values = factory.pixels("uint8", 1, 50, 60)
    source = factory.write(tmp_path / "x7f3", values, crs=crs, transform=transform)
    assert refusal(source).code == code


@pytest.mark.parametrize("count", [1, 2, 4])
def test_ground_control_points_that_say_too_little(count: int, tmp_path: Path) -> None:
    points, crs = factory.ground_control_points(50, 60)
    source = factory.write(
        tmp_path / "x7f3", factory.pixels("uint8", 1, 50, 60), transform=None, crs=None,
        gcps=(points[:count], crs),
    )  # fmt: skip
    assert refusal(source).code == "no_georeference"


def test_several_images(tmp_path: Path) -> None:
    source = factory.write(tmp_path / "x7f3", factory.pixels("uint8", 1, 50, 60))
    factory.write(source, factory.pixels("uint8", 1, 40, 40), APPEND_SUBDATASET="YES")
    refused = refusal(source)
    assert refused.code == "several_images"
    assert "2 images" in refused.message


def test_images_below_the_image_are_none_of_several(tmp_path: Path) -> None:
    """Microscopes and tifffile put previews there."""
    source = tmp_path / "x7f3"
    tags = {"t256": (4, [64]), "t257": (4, [64]), "t258": (3, [8]), "t262": (3, [1])}
    blocks = {"t277": (3, [1]), "t322": (4, [64]), "t323": (4, [64]), "t324": (4, [0])}
    source.write_bytes(tiff(**tags, **blocks, t325=(4, [0]), t330=(4, [8])))
    with rasterio.open(source) as dataset:
        assert len(dataset.subdatasets) == 1
    assert refusal(source).code == "no_crs"


def test_overviews_elsewhere(tmp_path: Path) -> None:
    other = factory.write(tmp_path / "other.tif", factory.pixels("uint8"))
    source = factory.write(tmp_path / "x7f3", factory.pixels("uint8"))
    with rasterio.open(source, "r+") as dataset:
        dataset.update_tags(ns="OVERVIEWS", OVERVIEW_FILE=str(other))
    assert refusal(source).code == "external_overviews"


def test_too_many_bands(tmp_path: Path) -> None:
    source = factory.write(tmp_path / "x7f3", factory.pixels("uint8", 5, 20, 30))
    refused = refusal(source, bands=4)
    assert refused.code == "too_many_bands"
    assert "the option “Bands”" in refused.message
    inspect(source, Limits(**LIMITS | {"bands": 4}), bands=(5, 1))


def test_too_large(tmp_path: Path) -> None:
    source = factory.write(tmp_path / "x7f3", factory.pixels("float64", 2))
    assert inspect(source, Limits(**LIMITS | {"uncompressed": 300 * 420 * 2 * 8}))
    refused = refusal(source, uncompressed=300 * 420 * 2 * 8 - 1)
    assert refused.code == "too_large"
    assert "420 × 300 pixels in 2 bands" in refused.message


@pytest.mark.parametrize(
    ("interleave", "size"), [("band", 256 * 512 * 2), ("pixel", 256 * 512 * 6)]
)
def test_blocks_too_large(interleave: str, size: int, tmp_path: Path) -> None:
    source = factory.write(
        tmp_path / "x7f3", factory.pixels("uint16", 3), tiled=True, blockxsize=512,
        blockysize=256, interleave=interleave,
    )  # fmt: skip
    assert inspect(source, Limits(**LIMITS | {"block": size}))
    refused = refusal(source, block=size - 1)
    assert refused.code == "block_too_large"
    assert "512 × 256" in refused.message


def bounds_of(path: Path, values: Any, **options: Any) -> list[float]:
    return inspect(factory.write(path, values, **options), Limits(**LIMITS)).bounds


DOT = factory.pixels("uint8", 1, 100, 200)


@pytest.mark.parametrize(
    ("crs", "transform", "bounds"),
    [
        ("EPSG:4326", Affine(0.1, 0, 5, 0, -0.1, 50), [5, 40, 25, 50]),
        ("EPSG:4326", Affine(1.8, 0, -180, 0, -1.8, 90), [-180, -90, 180, 90]),
        ("EPSG:4326", Affine(1.8, 0, 0, 0, -1.8, 90), [-180, -90, 180, 90]),  # 0 to 360
        ("EPSG:4326", Affine(0.1, 0, 170, 0, -0.1, 5), [170, -5, 190, 5]),  # past 180
        ("EPSG:4326", Affine(0.1, 0, -190, 0, -0.1, 5), [170, -5, 190, 5]),
        ("EPSG:4326", Affine(0.1, 0, 350, 0, -0.1, 5), [-10, -5, 10, 5]),
        ("EPSG:3857", Affine(1e5, 0, -1e7, 0, -1e5, 5e6), [-89.83, -40.92, 89.83, 40.92]),
        # zone 60 beyond its eastern edge, which is the antimeridian
        ("EPSG:32660", Affine(1000, 0, 700_000, 0, -1000, 100_000), [178.8, 0, 180.6, 0.9]),
        # around the pole
        ("EPSG:3413", Affine(1e4, 0, -1e6, 0, -1e4, 5e5), [-180, 79.7, 180, 90]),
    ],
)
def test_bounds(crs: str, transform: Affine, bounds: list[float], tmp_path: Path) -> None:
    found = bounds_of(tmp_path / "x7f3", DOT, crs=crs, transform=transform)
    assert found == pytest.approx(bounds, abs=0.1)


def test_bounds_of_a_rotated_raster_hold_its_corners(tmp_path: Path) -> None:
    transform = factory.rotated(30)
    west, _, east, north = bounds_of(tmp_path / "x7f3", DOT, transform=transform)
    assert west == pytest.approx(9.0, abs=0.001)  # the first corner, at 500,000 m of zone 32
    upright = bounds_of(tmp_path / "other", DOT)
    assert east - west > (upright[2] - upright[0]) * 0.9
    assert north > upright[3]
