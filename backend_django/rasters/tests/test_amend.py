"""A raster that failed for want of something is given it, and goes on."""

from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from backend_django.processing.models import ProcessingRequest
from backend_django.processing.runner import run_this
from backend_django.rasters.crs_search import find_crs
from backend_django.users.models import User

from . import factory
from .conftest import Store

pytestmark = pytest.mark.slow

CORNERS = "500000,5197000,504200,5200000"


def create(client: Client, content: bytes, name: str, **fields: Any) -> Any:
    upload = SimpleUploadedFile(name, content)
    return client.post("/api/v1/rasters/create/", {"file": upload, **fields})


def run(request_id: str) -> ProcessingRequest:
    run_this(UUID(request_id))
    return ProcessingRequest.objects.get(id=request_id)


@pytest.mark.django_db(transaction=True)
def test_set_it_and_go_on(client: Client, user: User, tmp_path: Path) -> None:
    client.force_login(user)
    values = factory.pixels("uint8", 1)
    source = factory.write(tmp_path / "i.tif", values, crs=None)
    created = create(client, source.read_bytes(), "i.tif").json()
    failed = run(created["id"])
    assert (failed.status, failed.error_code) == ("failed", "no_crs")
    address = f"/api/v1/rasters/amend/{failed.id}/"
    wrong = client.post(address, {"crs": "UTM zone 32"}, content_type="application/json")
    assert wrong.status_code == 400
    assert wrong.json()["errors"][0]["field"] == "crs"
    again = client.post(address, {"crs": "EPSG:32632"}, content_type="application/json")
    assert (again.status_code, again.json()["status"]) == (200, "pending")
    done = run(created["id"])
    assert done.status == "completed", done.error_message
    assert done.result.data["crs"]["epsg"] == 32632
    assert done.parameters["profile"] == "auto"
    late = client.post(address, {"crs": "EPSG:32633"}, content_type="application/json")
    assert late.status_code == 409
    done.refresh_from_db()
    assert done.parameters["crs"] == "EPSG:32632"


@pytest.mark.django_db(transaction=True)
def test_a_raster_is_made_anew_with_other_options(client: Client, user: User, store: Store) -> None:
    client.force_login(user)
    values = np.kron(np.arange(36).reshape(1, 6, 6) % 5, np.ones((50, 50), int)).astype("uint8")
    first = store(values)
    assert first.result.data["values"] == "classes"
    source = f"request:{first.id}"
    created = client.post(
        "/api/v1/rasters/create/", {"raster": source, "values": "continuous", "name": "Depths"}
    )
    assert created.status_code == 201, created.content
    done = run(created.json()["id"])
    assert done.status == "completed", done.error_message
    assert done.result.data["values"] == "continuous"
    assert done.result.data["converted_because"] == "options were chosen"
    client.force_login(User.objects.create_user("grace@example.org"))
    refused = client.post("/api/v1/rasters/create/", {"raster": source})
    assert refused.status_code == 404


@pytest.mark.django_db
def test_a_create_needs_one_source(client: Client, user: User) -> None:
    client.force_login(user)
    nothing = client.post("/api/v1/rasters/create/", {})
    assert nothing.json()["errors"][0]["field"] == "file"
    upload = SimpleUploadedFile("i.tif", b"II*\0")
    both = {"file": upload, "raster": "request:00000000-0000-4000-8000-000000000000"}
    answer = client.post("/api/v1/rasters/create/", both)
    assert answer.json()["errors"][0]["field"] == "raster"


@pytest.mark.django_db
def test_corners_are_a_rectangle(client: Client, user: User) -> None:
    client.force_login(user)
    for corners in ("1,2,3", "4,0,3,1", "0,1,1,0", "a,b,c,d", "0,0,1e400,1"):
        answer = create(client, b"II*\0", "i.tif", corners=corners)
        assert answer.status_code == 400, corners
        assert answer.json()["errors"][0]["field"] == "corners"


@pytest.mark.django_db
def test_ground_control_points_span_a_plane(client: Client, user: User) -> None:
    client.force_login(user)
    good = "0,0,0,0;9,0,9,0;0,9,0,9"
    for wrong in ("0,0,0,0;9,0,9,0", "0,0,0,0;9,0,9,0;5,0,5,1", "0,0,1,1;9,0,1,1;0,9,1,1", "a"):
        answer = create(client, b"II*\0", "i.tif", gcps=wrong)
        assert answer.status_code == 400, wrong
        assert answer.json()["errors"][0]["field"] == "gcps"
    both = create(client, b"II*\0", "i.tif", gcps=good, corners="0,0,1,1")
    assert both.json()["errors"][0]["field"] == "gcps"
    assert create(client, b"II*\0", "i.tif", gcps=good).status_code == 201


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("32632", "EPSG:32632"),
        ("EPSG:4326", "EPSG:4326"),
        ("utm 32N", "EPSG:32632"),
        ("utm 32", "EPSG:32632"),
        ("british national grid", "EPSG:27700"),
        ("lambert-93", "EPSG:2154"),
        ("mollweide", "ESRI:54009"),
    ],
)
def test_a_system_is_found_by_its_name(text: str, code: str) -> None:
    found = [entry["code"] for entry in find_crs(text)]
    assert code in found[:3]
    assert len(found) <= 20
    assert find_crs("no such place") == []


@pytest.mark.django_db
def test_systems_over_the_api(client: Client, user: User) -> None:
    assert client.get("/api/v1/rasters/crs/?q=utm").status_code == 401
    client.force_login(user)
    found = client.get("/api/v1/rasters/crs/", {"q": "utm 32"}).json()
    assert found[0]["code"] == "EPSG:32632"
    assert found[0]["area"]
    assert client.get("/api/v1/rasters/crs/", {"q": "u"}).status_code == 400
