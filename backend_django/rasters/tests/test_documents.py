"""What other programs are told about a raster, judged by those programs' own rules."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pystac
import pytest
from affine import Affine
from django.test import Client
from django.utils.dateparse import parse_datetime
from pystac.validation import validate_dict

from backend_django.rasters import documents
from backend_django.rasters.links import raster_links
from backend_django.users.models import User
from tests.stack import ROOT

from . import factory
from .conftest import Store

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
    west, _, east, _ = item.bbox or ()
    assert -180 <= west <= 180
    assert -180 <= east <= 180
    assert (item.geometry or {})["type"] == (
        "MultiPolygon" if kind == "antimeridian" else "Polygon"
    )


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
