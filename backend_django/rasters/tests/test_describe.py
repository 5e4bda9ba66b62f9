"""What an owner says of a raster whose file does not: names and colours of classes, its time."""

import io
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from django.test import Client
from django.utils import timezone
from PIL import Image

from backend_django.processing.models import ProcessingRequest, ProcessingResult
from backend_django.rasters.api import tiles as tile_views
from backend_django.rasters.models import RasterMapCopy
from backend_django.rasters.processor import MapCopyProcessor
from backend_django.users.models import User

from . import factory
from .conftest import Store

RED = (255, 0, 0)
COPIED = b"\x89PNG, from the copy"
CLASSES = [
    {"value": 0, "name": "water", "colour": "ff0000"},
    {"value": 1, "name": "reed", "colour": "0000ff"},
]


def halves() -> Any:
    values = np.zeros((1, 300, 420), np.uint8)
    values[:, :, 210:] = 1
    return values


@pytest.fixture(params=[False, True], ids=["plain", "palette"])
def request_(store: Store, request: pytest.FixtureRequest) -> ProcessingRequest:
    return store(halves(), **{"palette": factory.PALETTE} if request.param else {})


def describe(client: Client, request: ProcessingRequest, **said: Any) -> Any:
    address = f"/api/v1/rasters/describe/{request.id}/"
    return client.patch(address, said, content_type="application/json")


def tile(client: Client, raster: dict[str, Any]) -> Any:
    west, south, _, north = raster["bounds"]
    z, x, y = factory.tile_of(west + 1e-4, (south + north) / 2, 13)
    template = raster["tiles"]["url_template"]
    return client.get(template.format(z=z, x=x, y=y))


def colours(content: bytes) -> set[tuple[int, ...]]:
    picture = Image.open(io.BytesIO(content)).convert("RGBA")
    found: Any = picture.getcolors(1 << 20)
    return {colour[:3] for _, colour in found if colour[3] == 255}


def test_names_and_colours_of_classes_are_the_owners(
    client: Client, user: User, request_: ProcessingRequest
) -> None:
    client.force_login(user)
    before = client.get(f"/api/v1/rasters/results/{request_.id}/").json()
    old = tile(client, before)
    assert RED not in colours(old.content)
    answer = describe(client, request_, classes=CLASSES)
    assert answer.status_code == 200, answer.content
    raster = answer.json()
    assert raster == client.get(f"/api/v1/rasters/results/{request_.id}/").json()
    legend = raster["bands"][0]["classes"]
    assert [{k: one[k] for k in ("value", "name", "colour")} for one in legend] == CLASSES
    assert [one["count"] for one in legend] == [63000, 63000]
    tile_views._known.clear()
    assert raster["tiles"]["url_template"] != before["tiles"]["url_template"]
    new = tile(client, raster)
    assert colours(new.content) == {RED}
    assert "immutable" in new["Cache-Control"]
    assert "immutable" not in tile(client, before)["Cache-Control"]
    assert client.get(before["links"]["preview"])["Cache-Control"] == "private, no-cache"
    preview = client.get(raster["links"]["preview"])
    assert preview["Cache-Control"] == "private, no-cache", "lists show it under its first address"
    colour: Any = Image.open(io.BytesIO(preview.content)).convert("RGB").getpixel((20, 150))
    assert colour[0] > 240  # the left half; WebP keeps about the colour
    (stac,) = client.get(raster["links"]["stac"]).json()["assets"]["cog"]["bands"]
    assert [one["title"] for one in stac["classification:classes"]] == ["water", "reed"]
    assert stac["classification:classes"][0]["color_hint"] == "FF0000"


def test_one_class_leaves_the_others(client: Client, user: User, store: Store) -> None:
    client.force_login(user)
    request = store(halves())
    before = request.result.data["bands"][0]["classes"]
    after = describe(client, request, classes=CLASSES[1:]).json()["bands"][0]["classes"]
    assert after == [before[0], before[1] | CLASSES[1]]


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"classes": [{"value": 7, "name": "", "colour": "ff0000"}]}, "classes"),
        ({"classes": CLASSES, "band": 2}, "classes"),
        ({"classes": [{"value": 0, "name": "", "colour": "red"}]}, "classes"),
        ({"acquired_at": "yesterday"}, "acquired_at"),
    ],
)
def test_what_makes_no_sense_is_said(
    client: Client, user: User, store: Store, said: dict[str, Any], field: str
) -> None:
    client.force_login(user)
    request = store(halves())
    answer = describe(client, request, **said)
    assert answer.status_code == 400
    assert [error["field"].split(".")[0] for error in answer.json()["errors"]] == [field]
    request.result.refresh_from_db()
    assert "revision" not in request.result.data


def test_when_it_was_taken(client: Client, user: User, store: Store) -> None:
    client.force_login(user)
    request = store()
    assert describe(client, request, acquired_at="2026-03-01T10:30:00+01:00").status_code == 200
    stac = client.get(f"/api/v1/rasters/stac/{request.id}/").json()
    assert stac["properties"]["datetime"] == "2026-03-01T09:30:00+00:00"
    assert describe(client, request, acquired_at=None).json()["acquired_at"] is None
    stac = client.get(f"/api/v1/rasters/stac/{request.id}/").json()
    assert stac["properties"]["datetime"] == stac["properties"]["created"]


def test_a_map_copy_in_other_colours_is_not_shown(
    client: Client, user: User, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.force_login(user)
    request = store(halves())
    job = ProcessingRequest.objects.create(
        kind="raster-map-copies",
        owner=user,
        name="copy",
        status="completed",
        finished_at=timezone.now(),
        parameters=MapCopyProcessor.parameters_for(request.result.data),
    )
    file = request.result.files["preview"] | {"filename": "tiles.pmtiles"}
    ProcessingResult.objects.create(request=job, attempt=1, data={}, files={"tiles": file})
    RasterMapCopy.objects.create(raster=request, job=job)
    copy = SimpleNamespace(max_zoom=24, tile=lambda *place: COPIED)
    monkeypatch.setattr("backend_django.rasters.archive.open_archive", lambda path: copy)
    raster = client.get(f"/api/v1/rasters/results/{request.id}/").json()
    assert tile(client, raster).content == COPIED
    raster = describe(client, request, classes=CLASSES).json()
    tile_views._known.clear()
    assert colours(tile(client, raster).content) == {RED}
