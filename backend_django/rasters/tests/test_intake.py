"""What comes in another way than as a GeoTIFF that stands alone; GDAL reads both."""

import shutil
import zipfile
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
import pytest
import rasterio
from PIL import Image
from rasterio.shutil import copy
from rasterio.vrt import WarpedVRT
from rasterio.warp import transform_bounds

from backend_django.processing.errors import ProcessingError
from backend_django.rasters.inspection import Limits
from backend_django.rasters.intake import prepare
from backend_django.rasters.options import Options
from backend_django.rasters.settings import LIMITS

from . import factory
from .conftest import Convert
from .test_inspection import tiff

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning"),
]
LEFT, TOP = factory.ORIGIN.c, factory.ORIGIN.f
CORNERS = f"{LEFT},{TOP - 3000},{LEFT + 4200},{TOP}"
WORLD = "\n".join(map(str, (10, 0, 0, -10, LEFT + 5, TOP - 5)))
ESRI = rasterio.CRS.from_epsg(32632).to_wkt(version="WKT1_ESRI")
GREY = factory.pixels("uint8", 1)


def archive(path: Path, files: dict[str, Any]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, content in files.items():
            if isinstance(content, Path):
                opened.write(content, name)
            else:
                opened.writestr(name, content)
    return path


def check(target: Path, values: Any, crs: int = 32632) -> None:
    with rasterio.open(target) as dataset:
        assert dataset.crs.to_epsg() == crs
        assert dataset.transform.almost_equals(factory.ORIGIN, 1e-6)
        assert (dataset.width, dataset.height) == (420, 300)
        np.testing.assert_array_equal(dataset.read(), values)


def test_overviews_of_an_archive_are_left_out(tmp_path: Path) -> None:
    """They are made anew: no program is to read what somebody else has put there."""
    raster = factory.write(tmp_path / "i.tif", GREY)
    names = ("m.tif.ovr", "m.OVR", "m.tif.msk.ovr", "m.tfw")
    files = {"m.tif": raster} | dict.fromkeys(names, WORLD)
    upload = archive(tmp_path / "upload", files)
    prepare(upload, "m.zip", Options(), tmp_path, Limits(**LIMITS), confined=True)
    kept = {path.name for path in (tmp_path / "unpacked").iterdir()}
    assert kept == {"raster.tif", "raster.tfw"}


def test_a_place_is_given(tmp_path: Path, convert: Convert) -> None:
    source = factory.write(tmp_path / "i.tif", GREY, crs=None, transform=None)
    target, facts = convert(source, crs="EPSG:32632", corners=CORNERS)
    check(target, GREY)
    assert facts["converted_because"] == "its place was given"
    with pytest.raises(ProcessingError, match=r"no coordinate reference system EPSG:1\."):
        convert(source, crs="EPSG:1", corners=CORNERS)


def test_a_place_is_given_to_what_libtiff_only_reads(tmp_path: Path, convert: Convert) -> None:
    """Tiles of 257 pixels, and old kinds of JPEG: a changed head cannot be written to the file."""
    source = tmp_path / "i.tif"
    size = {"t256": (4, [257]), "t257": (4, [32]), "t258": (3, [8]), "t262": (3, [1])}
    blocks = {"t277": (3, [1]), "t322": (4, [257]), "t323": (4, [16])}
    source.write_bytes(tiff(**size, **blocks, t324=(4, [0, 0]), t325=(4, [0, 0])))
    target, facts = convert(source, crs="EPSG:32632", corners=CORNERS)
    with rasterio.open(target) as dataset:
        assert (dataset.crs.to_epsg(), dataset.shape) == (32632, (32, 257))
        assert dataset.bounds.left == LEFT
    assert facts["converted_because"] == "its place was given"


def test_colours_that_libtiff_turns_into_others(tmp_path: Path, convert: Convert) -> None:
    """YCbCr without JPEG, as Pillow writes it: GDAL reads red, green and blue."""
    source = tmp_path / "i.tif"
    colours = np.moveaxis(factory.pixels("uint8", 3), 0, -1)
    Image.fromarray(colours, "RGB").convert("YCbCr").save(source)
    with rasterio.open(source) as dataset:
        assert dataset.profile["photometric"] == "ycbcr"
        values = dataset.read()
    target, _ = convert(source, crs="EPSG:32632", corners=CORNERS)
    check(target, values)


def test_what_another_driver_writes_is_limited(
    tmp_path: Path, convert: Convert, file_limits: list[int]
) -> None:
    path = tmp_path / "i.jp2"
    copy(factory.write(tmp_path / "i.tif", GREY), path, driver="JP2OpenJPEG")
    convert(path)
    assert file_limits == [GREY.nbytes] * 2  # before it is read, and when its header is known


@pytest.mark.parametrize("driver", ["GTiff", "PNG"])
def test_ground_control_points_are_given(driver: str, tmp_path: Path, convert: Convert) -> None:
    source = factory.write(tmp_path / "i.tif", GREY, crs=None, transform=None)
    if driver == "PNG":
        copy(source, tmp_path / "i.png", driver="PNG")
        source = tmp_path / "i.png"
    points = [(0, 0), (420, 0), (0, 300), (400, 280)]
    text = "; ".join(
        f"{column},{row},{x},{y}"
        for column, row in points
        for x, y in [factory.ORIGIN * (column, row)]
    )
    target, facts = convert(source, crs="EPSG:32632", gcps=text)
    placed = factory.write(tmp_path / "placed.tif", GREY)
    with rasterio.open(target) as dataset, rasterio.open(placed) as other:
        found, crs = dataset.gcps
        assert crs.to_epsg() == 32632
        assert [(point.col, point.row) for point in found] == points
        np.testing.assert_array_equal(dataset.read(), GREY)
        with WarpedVRT(dataset, crs="EPSG:32632") as warped:
            np.testing.assert_allclose(warped.bounds, other.bounds, atol=20)  # two pixels
    expected = transform_bounds("EPSG:32632", "EPSG:4326", *other.bounds)
    np.testing.assert_allclose(facts["bounds"], expected, atol=1e-4)


def test_a_crs_is_given_and_all_else_is_kept(tmp_path: Path, convert: Convert) -> None:
    source = factory.write(tmp_path / "i.tif", GREY, crs=None, nodata=3)
    with rasterio.open(source, "r+") as dataset:
        dataset.update_tags(survey="2024")
        dataset.update_tags(ns="own", note="x")
    target, _ = convert(source, crs="EPSG:32632")
    check(target, GREY)
    with rasterio.open(target) as dataset:
        assert dataset.nodata == 3
        assert dataset.tags()["survey"] == "2024"
        assert dataset.tags(ns="own") == {"note": "x"}


def test_points_without_a_crs_are_given_one(tmp_path: Path, convert: Convert) -> None:
    points, _ = factory.ground_control_points(300, 420)
    source = factory.write(tmp_path / "i.tif", GREY, crs=None, transform=None)
    with rasterio.open(source, "r+") as dataset:
        dataset.gcps = (points, rasterio.CRS())
    target, _ = convert(source, crs="EPSG:32632")
    with rasterio.open(target) as dataset:
        assert dataset.gcps[1].to_epsg() == 32632
        assert len(dataset.gcps[0]) == len(points)


FORMATS = {
    "JP2OpenJPEG": (factory.pixels("uint16", 3), "a.jp2", {"REVERSIBLE": "YES", "QUALITY": "100"}),
    "HFA": (factory.pixels("float32", 2), "a.img", {}),
    "AAIGrid": (factory.pixels("int16", 1), "a.asc", {}),
    "netCDF": (factory.pixels("int16", 1), "a.nc", {"FORMAT": "NC"}),
    "netCDF-4": (factory.pixels("float32", 1), "a.nc", {"FORMAT": "NC4"}),
    "GPKG": (factory.pixels("uint8", 4), "a.gpkg", {"TILE_FORMAT": "PNG"}),
}


@pytest.mark.parametrize("driver", FORMATS)
def test_other_formats(driver: str, tmp_path: Path, convert: Convert) -> None:
    values, name, options = FORMATS[driver]
    plain = factory.write(tmp_path / "plain.tif", values)
    path = tmp_path / name
    copy(plain, path, driver=driver.removesuffix("-4"), strict=False, **options)
    options = {"crs": "EPSG:32632"} if driver == "AAIGrid" else {}
    if driver == "netCDF-4":
        path = path.rename(tmp_path / "a.h5")  # as others call it
    target, facts = convert(path, name=path.name, **options)
    check(target, values)
    assert facts["converted_because"].startswith("it came as ")


@pytest.mark.parametrize("driver", ["PNG", "JPEG"])
def test_pictures_whose_place_is_given(driver: str, tmp_path: Path, convert: Convert) -> None:
    plain = factory.write(tmp_path / "plain.tif", factory.pixels("uint8", 3))
    path = tmp_path / "upload"
    copy(plain, path, driver=driver)
    with pytest.raises(ProcessingError) as refused:
        convert(path)
    assert refused.value.code in {"no_crs", "no_georeference"}
    target, _ = convert(path, crs="EPSG:32632", corners=CORNERS)
    with rasterio.open(path) as dataset:
        check(target, dataset.read())


def test_heights_say_their_place_by_their_name(tmp_path: Path, convert: Convert) -> None:
    values = factory.pixels("int16", 1, 1201, 1201)
    path = tmp_path / "upload"
    path.write_bytes(values.astype(">i2").tobytes())
    target, facts = convert(path, name="n46e009.hgt")
    assert facts["bounds"] == pytest.approx([9, 46, 10, 47], abs=1e-3)
    with rasterio.open(target) as dataset:
        np.testing.assert_array_equal(dataset.read(), values)
    with pytest.raises(ProcessingError, match="not a GeoTIFF"):
        convert(path, name="heights.bin")


def test_an_archive_of_a_tiff_and_what_belongs_to_it(tmp_path: Path, convert: Convert) -> None:
    values = (GREY // 64).astype("uint8")
    plain = factory.write(tmp_path / "p.tif", values, crs=None, transform=None)
    aux = (
        "<PAMDataset><PAMRasterBand band='1'><CategoryNames><Category>water</Category>"
        "<Category>wood &amp; scrub</Category></CategoryNames></PAMRasterBand></PAMDataset>"
    )
    files = {
        "d/Møn 2024.tif": plain, "d/Møn 2024.tfw": WORLD, "d/Møn 2024.prj": ESRI,
        "d/Møn 2024.tif.aux.xml": aux, "d/Møn 2024.tif.ovr": b"no TIFF", "d/readme.txt": "hello",
        "__MACOSX/d/._Møn 2024.tif": b"x",
    }  # fmt: skip
    target, facts = convert(archive(tmp_path / "upload", files), name="m.zip")
    check(target, values)
    assert facts["converted_because"] == "it came in an archive"
    names = {one["value"]: one["name"] for one in facts["bands"][0]["classes"]}
    assert names == {0: "water", 1: "wood & scrub", 2: "", 3: ""}


def test_an_attribute_table_names_and_colours_classes(tmp_path: Path, convert: Convert) -> None:
    fields = [("Value", 0, 5), ("Count", 0, 1), ("Landcover", 2, 0)]
    fields += [(name, 0, usage) for usage, name in enumerate(("Red", "Green", "Blue"), start=6)]
    rows = [(3, 0, "reed", 0, 128, 255), (1, 0, "wood & scrub", 300, -1, 16)]
    table = "".join(
        f'<FieldDefn index="{at}"><Name>{name}</Name><Type>{kind}</Type><Usage>{usage}</Usage>'
        "</FieldDefn>"
        for at, (name, kind, usage) in enumerate(fields)
    )
    for at, row in enumerate(rows):
        cells = "".join(f"<F>{escape(str(cell))}</F>" for cell in row)
        table += f'<Row index="{at}">{cells}</Row>'
    aux = (
        '<PAMDataset><PAMRasterBand band="1"><GDALRasterAttributeTable tableType="thematic">'
        f"{table}</GDALRasterAttributeTable></PAMRasterBand></PAMDataset>"
    )
    plain = factory.write(tmp_path / "p.tif", (GREY // 64).astype("uint8"))
    files = {"a.tif": plain, "a.tif.aux.xml": aux}
    _, facts = convert(archive(tmp_path / "upload", files), name="m.zip")
    legend = {one["value"]: (one["name"], one["colour"]) for one in facts["bands"][0]["classes"]}
    assert legend[3] == ("reed", "0080ff")
    assert legend[1] == ("wood & scrub", "ff0010")
    assert legend[0][0] == legend[2][0] == ""


def test_an_archive_of_envi_and_of_a_picture(tmp_path: Path, convert: Convert) -> None:
    values = factory.pixels("uint16", 4)
    plain = factory.write(tmp_path / "p.tif", values)
    for name in ("cube", "cube.dat"):
        copy(plain, tmp_path / name, driver="ENVI")
        header = tmp_path / "cube.hdr"
        files: dict[str, Any] = {name: tmp_path / name, "cube.hdr": header}
        target, _ = convert(archive(tmp_path / f"{name}.zip", files))
        check(target, values)
    picture = tmp_path / "a.png"
    copy(factory.write(tmp_path / "p.tif", GREY), picture, driver="PNG")
    files = {"a.png": picture, "a.pgw": WORLD, "a.prj": ESRI}
    target, _ = convert(archive(tmp_path / "png.zip", files))
    check(target, GREY)


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({"a.txt": "x"}, "no_raster"),
        ({"a.tif": "x", "b.tif": "y"}, "several_rasters"),
        ({"a.tif": "no tiff"}, "not_a_tiff"),
        ({f"{number}.txt": "" for number in range(1001)}, "archive_too_large"),
        ({"../../../../tmp/escaped-was-here.tif": "no tiff"}, "no_raster"),
    ],
    ids=["nothing", "two", "false", "many", "outwards"],
)
def test_archives_that_are_refused(
    files: dict[str, Any], code: str, tmp_path: Path, convert: Convert
) -> None:
    with pytest.raises(ProcessingError) as refused:
        convert(archive(tmp_path / "upload", files))
    assert refused.value.code == code
    assert not Path("/tmp/escaped-was-here.tif").exists()


def test_a_damaged_archive_and_one_with_a_password(tmp_path: Path, convert: Convert) -> None:
    plain = factory.write(tmp_path / "p.tif", GREY)
    path = archive(tmp_path / "upload", {"a.tif": plain})
    content = path.read_bytes()
    for spoiled in (content[: len(content) // 2], content.replace(b"\x14\0\0\0", b"\x14\0\1\0")):
        path.write_bytes(spoiled)
        with pytest.raises(ProcessingError, match="cannot be unpacked"):
            convert(path)


def test_what_a_file_names_is_not_opened(tmp_path: Path, convert: Convert) -> None:
    """Overviews elsewhere, in PAM's file too, and pixels of ERDAS elsewhere."""
    plain = factory.write(tmp_path / "p.tif", GREY)
    other = factory.write(tmp_path / "other.tif", GREY[:, :150, :210])
    aux = (
        "<PAMDataset><Metadata domain='OVERVIEWS'>"
        f"<MDI key='OVERVIEW_FILE'>{other}</MDI></Metadata></PAMDataset>"
    )
    with pytest.raises(ProcessingError, match="refers to another file"):
        convert(archive(tmp_path / "upload", {"a.tif": plain, "a.tif.aux.xml": aux}))
    large = tmp_path / "a.img"
    copy(plain, large, driver="HFA", USE_SPILL="YES")
    with pytest.raises(ProcessingError, match="keeps its pixels in another file"):
        convert(large)


def test_a_netcdf_file_of_several_rasters(tmp_path: Path, convert: Convert) -> None:
    path = tmp_path / "a.nc"
    write_netcdf(path, {"heights": GREY[0], "depths": 255 - GREY[0]})
    with pytest.raises(ProcessingError, match="2 rasters: heights, depths") as refused:
        convert(path)
    assert refused.value.code == "choose_layer"
    target, _ = convert(path, layer="depths", crs="EPSG:32632", corners=CORNERS)
    check(target, (255 - GREY)[:, ::-1])  # GDAL takes the first row for the southernmost


@pytest.mark.parametrize(
    ("units", "calendar", "time"),
    [
        ("days since 2024-01-01 00:00:00", "standard", "2024-04-10T12:00:00Z"),
        ("hours since 1900-1-1 0:0:0.0", "gregorian", "1900-01-05T04:30:00Z"),
        ("Seconds since 1970-01-01T00:00:00Z", None, "1970-01-01T00:01:40.500000Z"),
        ("days since 2024-01-01", "360_day", None),
        ("days since 0001-01-01", "standard", None),
        ("months since 2024-01-01", "standard", None),
        ("days since the flood", "standard", None),
    ],
)
def test_a_netcdf_file_says_when(
    units: str, calendar: str | None, time: str | None, tmp_path: Path, convert: Convert
) -> None:
    source = factory.write(tmp_path / "i.tif", factory.pixels("float32", 1))
    with rasterio.open(source, "r+") as dataset:
        dataset.update_tags(
            NETCDF_DIM_EXTRA="{time}",
            NETCDF_DIM_time_DEF="{1,6}",
            NETCDF_DIM_time_VALUES="{100.5}",
            **{"time#units": units, **({"time#calendar": calendar} if calendar else {})},
        )
        dataset.update_tags(1, NETCDF_DIM_time="100.5")
    copy(source, tmp_path / "a.nc", driver="netCDF", FORMAT="NC")
    assert convert(tmp_path / "a.nc")[1]["acquired_at"] == time


def write_netcdf(path: Path, layers: dict[str, Any]) -> None:
    """Write a classic netCDF file, byte by byte: its format is two pages long."""

    def text(value: str) -> bytes:
        raw = value.encode()
        return len(raw).to_bytes(4, "big") + raw + bytes(-len(raw) % 4)

    shape = next(iter(layers.values())).shape
    number = lambda n: n.to_bytes(4, "big")  # noqa: E731
    size = 2 * shape[0] * shape[1]
    padded = size + -size % 4
    dimensions = b"".join(text(n) + number(s) for n, s in zip("yx", shape, strict=True))
    head = b"CDF\x01" + number(0) + number(10) + number(2) + dimensions + bytes(8)

    def variables(start: int) -> bytes:
        found = number(11) + number(len(layers))
        for index, name in enumerate(layers):
            found += text(name) + number(2) + number(0) + number(1) + bytes(8)
            found += number(3) + number(padded) + number(start + index * padded)
        return found

    start = len(head) + len(variables(0))
    data = b"".join(v.astype(">i2").tobytes() + bytes(padded - size) for v in layers.values())
    path.write_bytes(head + variables(start) + data)


def test_nothing_of_the_upload_is_changed(tmp_path: Path, convert: Convert) -> None:
    source = factory.write(tmp_path / "i.tif", GREY, crs=None)
    before = source.read_bytes()
    convert(source, crs="EPSG:32632")
    assert source.read_bytes() == before
    shutil.rmtree(tmp_path, ignore_errors=True)
