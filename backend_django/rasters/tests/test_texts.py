"""Texts that an upload carries: of any encoding, any length and any characters."""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import rasterio
from django.test import Client
from rasterio.crs import CRS

from backend_django.processing.errors import ProcessingError
from backend_django.processing.models import ProcessingRequest
from backend_django.rasters.inspection import Limits, inspect
from backend_django.rasters.settings import LIMITS
from backend_django.users.models import User
from backend_django.utils.text import clean_label, escape_xml

from . import factory
from .conftest import Convert, Store

PLACEHOLDER = "x" * 24
CUSTOM = (
    'PROJCS["Gauss-Krueger of the mine",GEOGCS["g",DATUM["d",SPHEROID["Bessel 1841",6377397.155,'
    '299.1528128]],PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433]],'
    'PROJECTION["Transverse_Mercator"],PARAMETER["latitude_of_origin",0],'
    'PARAMETER["central_meridian",9],PARAMETER["scale_factor",1],'
    'PARAMETER["false_easting",500000],PARAMETER["false_northing",0],UNIT["metre",1]]'
)


def replace(path: Path, old: str, new: bytes) -> Path:
    content = path.read_bytes()
    assert old.encode() in content
    path.write_bytes(content.replace(old.encode(), new.ljust(len(old))))
    return path


def described(path: Path, raw: bytes, role: str) -> Path:
    """Write a raster whose band has a description, or a unit, of these bytes."""
    factory.write(path, factory.pixels("uint8", 2, 60, 80))
    with rasterio.open(path, "r+") as dataset:
        if role == "description":
            dataset.set_band_description(1, PLACEHOLDER)
        else:
            dataset.units = (PLACEHOLDER, "m")
    return replace(path, PLACEHOLDER, raw)


@pytest.mark.parametrize("role", ["description", "unit"])
@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("Grünland".encode("latin-1"), "Grünland"),
        ("Grünland".encode(), "Grünland"),
        ("10 °C – “März”".encode("cp1252"), "10 °C – “März”"),
        (b"a\xed\xa0\x80b", "a\ufffdb"),  # a lone surrogate
        (b"a&#1;b\x02c", "a\ufffdb\ufffdc"),
        (b"a&#xFFFE;b&#10;c", "a\ufffdb c"),
        (b"\xff\xfe\x81", "ÿþ\ufffd"),
    ],
)
def test_text_of_any_encoding(
    raw: bytes, shown: str, role: str, tmp_path: Path, convert: Convert
) -> None:
    target, data = convert(described(tmp_path / "upload", raw, role))
    # GDAL leaves control characters out of the units that it copies.
    assert data["bands"][0][role] in {shown, shown.replace("\ufffd", "")}
    assert data["bands"][1][role] == ("m" if role == "unit" else "")
    if role == "description":
        with rasterio.open(target) as dataset:
            assert dataset.descriptions == (shown, None)


@pytest.mark.matrix
@pytest.mark.slow
def test_long_texts_are_cut(tmp_path: Path, convert: Convert) -> None:
    source = factory.write(tmp_path / "upload", factory.pixels("uint8", 64, 20, 30))
    with rasterio.open(source, "r+") as dataset:
        dataset.set_band_description(1, "ü" * 2_500_000)
        for band in range(2, 65):
            dataset.set_band_description(band, "\U0001f5fa" * 1000)
        dataset.units = ("\u20ac" * 2_000_000,) * 2 + ("m" * 1000,) * 62
        dataset.update_tags(NOTES="n" * 1_000_000, TIFFTAG_ARTIST="a" * 50_000)
    _, data = convert(source)
    assert data["bands"][0]["description"] == "ü" * 199 + "…"
    assert {len(band["unit"]) for band in data["bands"]} == {50}
    assert len(json.dumps(data)) < 300_000


def test_a_crs_with_a_name_in_another_encoding(tmp_path: Path) -> None:
    source = factory.write(tmp_path / "upload", factory.pixels("uint8"), crs=CRS.from_wkt(CUSTOM))
    inspect(source, Limits(**LIMITS))
    replace(source, "Gauss-Krueger of the mine", "Gauß-Krüger of the mine".encode("latin-1"))
    with pytest.raises(ProcessingError, match="not in UTF-8") as refused:
        inspect(source, Limits(**LIMITS))
    assert refused.value.code == "unusable_crs"


ODD = "a\x01b\x0b\ufffe\uffffc <&\"'> ü\U0001f5fa"


def test_documents_of_a_raster_with_an_odd_name(client: Client, user: User, store: Store) -> None:
    request = store()
    ProcessingRequest.objects.filter(id=request.id).update(name=ODD)
    client.force_login(user)

    def read(name: str) -> Any:
        answer = client.get(f"/api/v1/rasters/{name}/{request.id}/")
        assert answer.status_code == 200
        return answer.content.decode()

    root = ElementTree.fromstring(read("wmts"))
    titles = {element.text for element in root.iter("{http://www.opengis.net/ows/1.1}Title")}
    assert titles == {"a\ufffdb\ufffd\ufffd\ufffdc <&\"'> ü\U0001f5fa"}
    assert json.loads(read("stac"))["properties"]["title"] == ODD
    assert json.loads(read("tilejson"))["name"] == ODD


def test_every_character_in_xml() -> None:
    every = "".join(map(chr, range(0x11000))) + "\ud800\udfff\U0010ffff"
    text = escape_xml(every)
    parsed = ElementTree.fromstring(f'<a b="{text}">{text}</a>')
    assert len(parsed.text or "") == len(every)
    kept = {a for a, b in zip(every, parsed.text or "", strict=True) if a == b}
    assert len(kept) > 60_000
    assert set("az ü<>&\"'\t\n\U0010ffff") <= kept


def test_every_character_in_a_label() -> None:
    label = clean_label("".join(map(chr, range(0x110000))), 2_000_000)
    assert label.isprintable() or not set(label) & set(map(chr, [*range(32), 0x7F, 0xD800, 0xFFFE]))
    json.dumps(label).encode()
    label.encode()
