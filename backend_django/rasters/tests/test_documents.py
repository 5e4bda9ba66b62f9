"""What other programs are told about a raster, judged by those programs' own rules."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import numpy as np
import pystac
import pytest
import rasterio
from affine import Affine
from django.test import Client
from django.utils.dateparse import parse_datetime
from pyproj import CRS
from pystac.validation import validate_dict

from backend_django.rasters import documents
from backend_django.rasters.links import raster_links
from backend_django.users.models import User
from tests.stack import ROOT

from . import factory
from .conftest import Convert, Store

pytestmark = pytest.mark.slow

# Read by the page's own test of what OpenLayers makes of it.
WMTS_EXAMPLE = ROOT / "frontend_vue/src/features/rasters/wmts.example.xml"
KINDS: dict[str, dict[str, Any]] = {
    "RGB": {},
    "float, NaN": {"values": factory.pixels("float32"), "nodata": float("nan")},
    "complex_int16": {"values": factory.pixels("complex_int16"), "dtype": "complex_int16"},
    "no EPSG code": {"crs": "+proj=laea +lat_0=47 +lon_0=9"},
    "antimeridian": {"crs": "EPSG:4326", "transform": Affine(0.05, 0, 170, 0, -0.05, 10)},
    "world": {
        "values": factory.pixels("int16", 2, 180, 360),
        "crs": "EPSG:4326",
        "transform": Affine(1, 0, -180, 0, -1, 90),
    },
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_stac_item_is_valid(kind: str, client: Client, user: User, store: Store) -> None:
    request = store(**KINDS[kind])
    client.force_login(user)
    answer = client.get(f"/api/v1/rasters/stac/{request.id}/")
    assert answer["Content-Type"] == "application/geo+json"
    document = json.loads(answer.content, parse_constant=lambda name: pytest.fail(name))
    # The core's schemas come with pystac; an extension's would have to be fetched.
    core = document | {"stac_extensions": []}
    assert validate_dict(core) == [
        "https://schemas.stacspec.org/v1.1.0/item-spec/json-schema/item.json"
    ]
    item = pystac.Item.from_dict(document)
    assert item.assets["cog"].href.startswith("http://testserver/api/v1/rasters/download-cog/")
    assert len(document["assets"]["cog"]["bands"]) == len(request.result.data["bands"])
    assert item.properties["proj:shape"] == [
        request.result.data["height"], request.result.data["width"],
    ]  # fmt: skip
    assert item.bbox
    west, _, east, _ = item.bbox
    assert -180 <= west <= 180
    assert -180 <= east <= 180
    assert (item.geometry or {})["type"] == (
        "MultiPolygon" if kind == "antimeridian" else "Polygon"
    )


@pytest.mark.parametrize(
    ("crs", "code"),
    [
        ("EPSG:32632", "EPSG:32632"),
        ("ESRI:54009", "ESRI:54009"),
        ("ESRI:102001", "ESRI:102001"),
        ("EPSG:32632+5773", None),
        ("+proj=laea +lat_0=47 +lon_0=9", None),
    ],
)
def test_the_stac_item_names_the_crs(
    crs: str, code: str | None, client: Client, user: User, store: Store
) -> None:
    transform = Affine(3, 1, 10_000, 0.5, -3, 5_000_000)
    request = store(crs=crs, transform=transform)
    client.force_login(user)
    properties = client.get(f"/api/v1/rasters/stac/{request.id}/").json()["properties"]
    assert properties["proj:code"] == code
    if code:
        assert CRS.from_user_input(properties["proj:code"]).equals(
            CRS.from_user_input(crs), ignore_axis_order=True
        )
    else:
        assert properties["proj:wkt2"].startswith(("PROJCRS[", "COMPOUNDCRS["))
        assert CRS.from_wkt(properties["proj:wkt2"]).equals(
            CRS.from_user_input(crs), ignore_axis_order=True
        )
    assert properties["proj:transform"] == list(transform)[:6]
    with rasterio.open(request.result.open_path("cog")) as dataset:
        corners = [
            dataset.transform * (column, row)
            for column in (0, dataset.width)
            for row in (0, dataset.height)
        ]
        assert properties["proj:shape"] == list(dataset.shape)
    low, high = np.min(corners, axis=0), np.max(corners, axis=0)
    assert properties["proj:bbox"] == pytest.approx([*low, *high])


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_the_stac_item_of_ground_control_points_has_no_transform(
    client: Client, user: User, store: Store
) -> None:
    request = store(transform=None, crs=None, gcps=factory.ground_control_points(300, 420))
    client.force_login(user)
    properties = client.get(f"/api/v1/rasters/stac/{request.id}/").json()["properties"]
    assert "proj:transform" not in properties
    assert "proj:bbox" not in properties


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({None: {"TIFFTAG_DATETIME": "2019:06:30 12:34:56"}}, "2019-06-30T12:34:56Z"),
        ({"IMAGERY": {"ACQUISITIONDATETIME": "2020-01-02 03:04:05"}}, "2020-01-02T03:04:05Z"),
        (
            {
                None: {"TIFFTAG_DATETIME": "2021:01:01 00:00:00"},
                "IMAGERY": {"ACQUISITIONDATETIME": "2020-01-02T03:04:05+02:00"},
            },
            "2020-01-02T01:04:05Z",
        ),
        ({None: {"TIFFTAG_DATETIME": "2019:06:30"}}, "2019-06-30T00:00:00Z"),
        ({None: {"TIFFTAG_DATETIME": "0000:00:00 00:00:00"}}, None),
        ({None: {"TIFFTAG_DATETIME": "yesterday"}}, None),
        ({}, None),
    ],
)
def test_when_the_pixels_were_taken(
    tags: dict[str | None, dict[str, str]], expected: str | None, tmp_path: Path, convert: Convert
) -> None:
    source = factory.write(tmp_path / "input.tif", factory.pixels("uint8"))
    with rasterio.open(source, "r+") as dataset:
        for domain, items in tags.items():
            dataset.update_tags(ns=domain, **items)
    assert convert(source)[1]["acquired_at"] == expected


def test_the_stac_item_has_the_time_scale_and_offset_of_the_file(
    client: Client, user: User, store: Store
) -> None:
    request = store()
    result = request.result
    result.data["acquired_at"] = "2019-06-30T12:34:56Z"
    result.data["bands"][0] |= {"scale": 0.1, "offset": -5.0}
    result.save()
    client.force_login(user)
    item = client.get(f"/api/v1/rasters/stac/{request.id}/").json()
    assert item["properties"]["datetime"] == "2019-06-30T12:34:56Z"
    assert parse_datetime(item["properties"]["created"]) == request.created_at
    first, second, _ = item["assets"]["cog"]["bands"]
    assert (first["raster:scale"], first["raster:offset"]) == (0.1, -5)
    assert "raster:scale" not in second


def test_tilejson(client: Client, user: User, store: Store) -> None:
    request = store()
    client.force_login(user)
    document = client.get(f"/api/v1/rasters/tilejson/{request.id}/").json()
    assert document["tilejson"] == "3.0.0"
    assert (document["minzoom"], document["maxzoom"]) == (0, request.result.data["maxzoom"])
    west, south, east, north = document["bounds"]
    z, x, y = factory.tile_of((west + east) / 2, (south + north) / 2, document["maxzoom"])
    address = document["tiles"][0].format(z=z, x=x, y=y)
    assert client.get(address.removeprefix("http://testserver")).status_code == 200


def example() -> str:
    """Return capabilities of a raster that never changes."""
    request_id = UUID("00000000-0000-4000-8000-000000000001")
    made = parse_datetime("2026-01-01T00:00:00Z")
    result = SimpleNamespace(
        request=SimpleNamespace(id=request_id, name="Søndre <Strømfjord> & more", created_at=made),
        attempt=2,
        data={"bounds": [-51.5, 66.8, -50.1, 67.2], "maxzoom": 3},
    )
    links = {
        name: f"https://maps.example.org{path}"
        for name, path in raster_links(request_id, 2, "x" * 20).items()
    }
    return documents.wmts_capabilities(result, links)


def test_wmts_is_what_the_page_tests() -> None:
    """To renew it: `python -m backend_django.rasters.tests.write_wmts_example`."""
    assert WMTS_EXAMPLE.read_text(encoding="utf-8") == example()


def test_wmts_is_served(client: Client, user: User, store: Store) -> None:
    request = store()
    client.force_login(user)
    asked = "SERVICE=WMS&REQUEST=GetCapabilities"  # QGIS adds it to any address
    answer = client.get(
        f"/api/v1/rasters/wmts/{request.id}/?{asked}", headers={"Accept": "text/xml"}
    )
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("application/xml")
    text = answer.content.decode()
    assert "a &lt;raster&gt; &amp; more" in text
    assert f"http://testserver/api/v1/rasters/tiles/{request.id}/{{TileMatrix}}/" in text


def test_the_preview(client: Client, user: User, store: Store) -> None:
    request = store()
    client.force_login(user)
    answer = client.get(f"/api/v1/rasters/preview/{request.id}/?v=2")
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/webp")
    assert "immutable" in answer["Cache-Control"]
    Path(request.result.open_path("preview")).unlink()
    assert client.get(f"/api/v1/rasters/preview/{request.id}/").status_code == 404


def test_statistics_of_large_integers_have_all_digits(
    client: Client, user: User, store: Store
) -> None:
    values = np.full((1, 30, 40), 2**53 + 1, "int64")
    values[0, 3, 3] = -(2**60) - 1
    request = store(values)
    client.force_login(user)
    document = json.loads(client.get(f"/api/v1/rasters/stac/{request.id}/").content)
    statistics = document["assets"]["cog"]["bands"][0]["statistics"]
    assert (statistics["minimum"], statistics["maximum"]) == (-(2**60) - 1, 2**53 + 1)
    assert (statistics["count"], statistics["valid_percent"]) == (1200, 100)
    band = client.get(f"/api/v1/rasters/results/{request.id}/").json()["bands"][0]
    assert band["maximum"] == float(2**53)
