"""A mosaic's way through API and engine: each upload a COG, one of all, its map copy."""

from importlib import import_module
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
import rasterio
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from backend_django.operations.tidy import check_files
from backend_django.processing.advance import advance
from backend_django.processing.models import ProcessingAttempt, ProcessingRequest
from backend_django.processing.processor import Context
from backend_django.processing.runner import run_next
from backend_django.processing.tasks import maintenance_reap
from backend_django.rasters import services
from backend_django.rasters.models import RasterMapCopy
from backend_django.users.models import User
from tests.pipelines import work

from . import factory
from .conftest import Store
from .test_mosaics import SIDE, at

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.slow,
    pytest.mark.usefixtures("own_folders"),
]
URL = "/api/v1/rasters/mosaics"


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do here what child processes would do: they take a second to start."""
    monkeypatch.setattr("backend_django.rasters.processor.INSPECT_SECONDS", 0)
    monkeypatch.setattr("backend_django.rasters.archive.FIXED_SECONDS", 1e6)

    def run(context: Context, target: str, arguments: dict[str, Any], **_: Any) -> Any:
        name = target.rpartition(":")[2]  # child.py changes what this process can import
        home = {"convert_upload": "convert", "merge_rasters": "mosaic", "write_archive": "archive"}
        function = getattr(import_module(f"backend_django.rasters.{home[name]}"), name)
        return function(arguments, lambda step, fraction: None)

    monkeypatch.setattr(Context, "run_child", run)


@pytest.fixture
def signed_in(client: Client, user: User) -> Client:
    client.force_login(user)
    return client


def upload(tmp_path: Path, name: str, column: int = 0, **case: Any) -> SimpleUploadedFile:
    values = case.pop("values", factory.pixels("uint8", 1, SIDE, SIDE))
    path = factory.write(tmp_path / name, values, **{"transform": at(column, 0), **case})
    return SimpleUploadedFile(name, path.read_bytes())


def create(client: Client, *rasters: Any, **fields: Any) -> ProcessingRequest:
    answer = client.post(f"{URL}/create/", {"rasters": rasters, **fields})
    assert answer.status_code == 201, answer.content
    return ProcessingRequest.objects.get(id=answer.json()["id"])


def steps(client: Client, request: ProcessingRequest) -> dict[str, str]:
    found = client.get(f"{URL}/steps/{request.id}/").json()["results"]
    return {step["key"]: step["status"] for step in found}


def tries(request: ProcessingRequest) -> list[str]:
    found = ProcessingAttempt.objects.filter(request__parent=request)
    return sorted(found.values_list("request__step_key", flat=True))


@pytest.mark.usefixtures("in_process")
def test_uploads_and_a_raster_become_one_with_a_map(
    signed_in: Client, told: list[str], tmp_path: Path, store: Store
) -> None:
    first = store(factory.pixels("uint8", 1, SIDE, SIDE), transform=at(0, 0))
    second, third = upload(tmp_path, "b.tif", SIDE), upload(tmp_path, "Møn 2024.tif", 2 * SIDE)
    request = create(signed_in, f"request:{first.id}", second, third, name="All", map_copy="true")
    assert run_next(queue="short")
    answer = signed_in.get(f"{URL}/steps/{request.id}/").json()["results"]
    assert [(step["key"], step["name"], step["after"]) for step in answer] == [
        ("raster-2", "b.tif", []),
        ("raster-3", "Møn 2024.tif", []),
        ("mosaic", "Mosaic", ["raster-2", "raster-3"]),
        ("map", "Map copy", ["mosaic"]),
    ]
    refused = signed_in.delete(f"/api/v1/rasters/delete/{first.id}/")
    assert (refused.status_code, refused.json()["code"]) == (409, "in_use")
    assert "All" in refused.json()["detail"]
    work(told)
    request.refresh_from_db()
    assert request.status == "completed", (request.error_message, steps(signed_in, request))
    assert tries(request) == ["map", "mosaic", "raster-2", "raster-3"]

    result = signed_in.get(f"{URL}/results/{request.id}/").json()
    assert (result["name"], result["width"], result["height"]) == ("All", 3 * SIDE, SIDE)
    assert result["converted_because"] == "it was made of 3 rasters"
    download = signed_in.get(result["download_url"])
    assert 'filename="All.cog.tif"' in download["Content-Disposition"]
    content = download.getvalue()
    (tmp_path / "all.tif").write_bytes(content)
    with rasterio.open(tmp_path / "all.tif") as dataset:
        assert (dataset.read() == np.tile(factory.pixels("uint8", 1, SIDE, SIDE), (1, 1, 3))).all()

    for name in ("stac", "tilejson", "wmts", "preview"):
        assert signed_in.get(result["links"][name]).status_code == 200, name
    west, south, east, north = result["bounds"]
    zoom = result["tiles"]["maxzoom"]
    z, x, y = factory.tile_of((west + east) / 2, (south + north) / 2, zoom)
    tile = result["tiles"]["url_template"].format(z=z, x=x, y=y)
    drawn = signed_in.get(tile)
    assert (drawn.status_code, drawn["Content-Type"][:6]) == (200, "image/")
    copy = signed_in.get(f"/api/v1/rasters/map-copy/{request.id}/").json()
    assert (copy["status"], copy["tiles"] > 3) == ("completed", True)
    shared = signed_in.post(
        f"/api/v1/rasters/shares/{request.id}/", {"days": 1, "allow_download": True},
        content_type="application/json",
    ).json()  # fmt: skip
    seen = Client().get(f"/api/v1/rasters/shared/{shared['token']}/").json()
    assert Client().get(seen["download_url"]).getvalue() == content
    assert Client().get(seen["links"]["stac"]).status_code == 200

    assert signed_in.get("/api/v1/rasters/list/").json()["count"] == 1, "the first, no step"
    assert signed_in.delete(f"/api/v1/rasters/map-copy/{request.id}/").status_code == 204
    assert not RasterMapCopy.objects.exists()
    assert "map" not in steps(signed_in, request)
    assert signed_in.get(result["tiles"]["url_template"].format(z=z, x=x, y=y)).status_code == 200
    assert signed_in.post(f"/api/v1/rasters/map-copy/{request.id}/").status_code == 202
    assert check_files(min_age_seconds=0).missing_files == ["x"], "which the fixture names"
    assert signed_in.delete(f"/api/v1/rasters/delete/{first.id}/").status_code == 204
    assert signed_in.delete(f"{URL}/delete/{request.id}/").status_code == 204
    assert not ProcessingRequest.objects.exists()


@pytest.mark.usefixtures("in_process")
def test_classes_keep_their_names(
    signed_in: Client, told: list[str], tmp_path: Path, store: Store
) -> None:
    values = (factory.pixels("uint8", 1, SIDE, SIDE) // 100).astype("uint8")
    first, second = (store(values, transform=at(column, 0)) for column in (0, SIDE))
    labels = [{"value": 1, "name": "reed", "colour": "0080ff"}]
    services.raster_describe(request=second, classes=labels)
    request = create(signed_in, f"request:{first.id}", f"request:{second.id}", name="Both")
    again = signed_in.post(
        "/api/v1/rasters/create/", {"raster": f"request:{second.id}", "values": "classes"}
    )
    assert again.status_code == 201, again.content
    work(told)
    for kind, made in (("rasters/mosaics", request.id), ("rasters", again.json()["id"])):
        result = signed_in.get(f"/api/v1/{kind}/results/{made}/").json()
        legend = {one["value"]: one for one in result["bands"][0]["classes"]}
        assert (legend[1]["name"], legend[1]["colour"]) == ("reed", "0080ff")
        assert legend[0]["name"] == ""


@pytest.mark.usefixtures("in_process")
def test_what_one_lacks_is_given_and_the_rest_is_not_done_again(
    signed_in: Client, told: list[str], tmp_path: Path
) -> None:
    request = create(
        signed_in, upload(tmp_path, "a.tif"), upload(tmp_path, "lost.tif", SIDE, crs=None)
    )
    work(told)
    request.refresh_from_db()
    assert (request.status, request.error_code) == ("failed", "step_failed")
    assert request.error_message.startswith("“lost.tif” failed: The raster has no coordinate")
    failed = request.steps.get(step_key="raster-2")
    assert signed_in.get(f"/api/v1/rasters/status/{failed.id}/").json()["error_code"] == "no_crs"
    amended = signed_in.post(
        f"/api/v1/rasters/amend/{failed.id}/", {"crs": "EPSG:32632"},
        content_type="application/json",
    )  # fmt: skip
    assert amended.status_code == 200, amended.content
    work(told)
    request.refresh_from_db()
    assert request.status == "completed", request.error_message
    assert tries(request) == ["mosaic", "raster-1", "raster-2", "raster-2"]
    again = signed_in.post(
        f"/api/v1/rasters/amend/{failed.id}/", {"crs": "EPSG:32633"},
        content_type="application/json",
    )  # fmt: skip
    assert again.status_code == 409
    assert signed_in.post(f"/api/v1/rasters/amend/{request.id}/").status_code == 404


@pytest.mark.usefixtures("in_process")
def test_the_one_that_differs_is_named(signed_in: Client, told: list[str], tmp_path: Path) -> None:
    three = factory.pixels("uint8", 3, SIDE, SIDE)
    request = create(
        signed_in, upload(tmp_path, "a.tif"), upload(tmp_path, "colours.tif", SIDE, values=three)
    )
    work(told)
    request.refresh_from_db()
    assert (request.status, request.error_code) == ("failed", "step_failed")
    assert "“colours” has bands: 3, the others have bands: 1" in request.error_message


def test_a_worker_that_dies_costs_an_attempt(
    signed_in: Client, told: list[str], tmp_path: Path, in_process: None
) -> None:
    request = create(signed_in, upload(tmp_path, "a.tif"), upload(tmp_path, "b.tif", SIDE))
    run_next(queue="short")
    for _ in range(2):
        run_next(queue="processing")
    while told:
        advance(told.pop())  # type: ignore[arg-type]

    def die(*_: Any, **__: Any) -> Any:
        ProcessingRequest.objects.filter(step_key="mosaic").update(
            lease_expires_at="2020-01-01T00:00Z"
        )
        raise KeyboardInterrupt

    with (
        patch.object(Context, "run_child", die),
        patch("backend_django.processing.runner._fail", lambda *_: None),
    ):
        run_next(queue="processing")
    maintenance_reap()
    work(told)
    request.refresh_from_db()
    assert request.status == "completed", request.error_message
    assert tries(request) == ["mosaic", "mosaic", "raster-1", "raster-2"]


def test_what_cannot_be_a_mosaic_is_refused_at_once(
    signed_in: Client, user: User, tmp_path: Path, store: Store
) -> None:
    def refusal(*rasters: Any, **fields: Any) -> Any:
        answer = signed_in.post(f"{URL}/create/", {"rasters": rasters, **fields})
        assert answer.status_code == 400, answer.content
        return answer.json()["errors"][0]

    alone = refusal(upload(tmp_path, "a.tif"))
    assert (alone["field"], alone["message"]) == ("rasters", "Name two rasters or more.")
    assert refusal()["field"] == "rasters"
    both = [upload(tmp_path, "a.tif"), upload(tmp_path, "b.tif")]
    assert refusal(*both, crs="UTM")["field"] == "crs"
    assert refusal(*both, resolution="-3")["field"] == "resolution"
    mine = store()
    other = Client()
    other.force_login(User.objects.create_user("grace@example.org"))
    stolen = {"rasters": [f"request:{mine.id}", f"request:{mine.id}"]}
    assert other.post(f"{URL}/create/", stolen).status_code == 404


@pytest.mark.matrix
def test_twenty_uploads_by_real_child_processes(
    signed_in: Client, told: list[str], tmp_path: Path
) -> None:
    """Different pixels of missing values, among them one raster off the grid; then one of two."""
    rasters = [
        upload(
            tmp_path, f"{number}.tif", 100 * number,
            transform=at(100 * number, 7 * number, 10 if number else 20),
            nodata=number or None,
        )
        for number in range(20)
    ]  # fmt: skip
    request = create(signed_in, *rasters, map_copy="true")
    work(told)
    request.refresh_from_db()
    assert request.status == "completed", request.error_message
    assert len(tries(request)) == 22
    assert request.result.data["width"] == 1900 + SIDE
    nested = create(signed_in, f"request:{request.id}", upload(tmp_path, "more.tif", -SIDE))
    work(told)
    nested.refresh_from_db()
    assert nested.status == "completed", nested.error_message
    assert nested.result.data["width"] == 1900 + 2 * SIDE
