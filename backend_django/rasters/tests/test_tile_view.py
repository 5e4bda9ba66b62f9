"""Who may see a tile, and what a browser may keep of it."""

from collections.abc import Callable
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from django.core.files.storage import default_storage
from django.test import Client
from django.utils import timezone
from rest_framework.authtoken.models import Token

from backend_django.processing.models import ProcessingRequest, ProcessingResult
from backend_django.rasters.api import views
from backend_django.users.models import User

from . import factory
from .conftest import Convert


@pytest.fixture
def raster(user: User, tmp_path: Path, convert: Convert) -> Callable[[int], str]:
    """Return a function from a zoom to the address of a tile amid a raster of `user`."""
    views._known.clear()
    path, data = convert(factory.write(tmp_path / "i.tif", factory.pixels("uint8", 3)))
    request = ProcessingRequest.objects.create(
        kind="rasters", name="a raster", owner=user, input_file="x", input_name="i.tif",
        input_size=1, status="completed", attempt=2, finished_at=timezone.now(),
    )  # fmt: skip
    with path.open("rb") as content:
        name = default_storage.save(f"requests/{request.id}/2/cog", content)
    ProcessingResult.objects.create(
        request=request, attempt=2, data=data, files={"cog": {"name": name}}
    )
    west, south, east, north = data["bounds"]

    def address(zoom: int, request_id: UUID | str = request.id) -> str:
        z, x, y = factory.tile_of((west + east) / 2, (south + north) / 2, zoom)
        return f"/api/v1/rasters/tiles/{request_id}/{z}/{x}/{y}"

    return address


def test_the_owner_sees_it(client: Client, user: User, raster: Callable[..., str]) -> None:
    client.force_login(user)
    for end in ("", "/"):
        answer = client.get(raster(14) + end + "?v=2")
        assert (answer.status_code, answer["Content-Type"]) == (200, "image/jpeg")
        assert answer.content[:2] == b"\xff\xd8"
        assert "immutable" in answer["Cache-Control"]
        assert "private" in answer["Cache-Control"]
    token = Token.objects.create(user=user)
    answer = Client().get(raster(14), headers={"Authorization": f"Token {token.key}"})
    assert answer.status_code == 200


def test_outside_is_transparent(client: Client, user: User, raster: Callable[..., str]) -> None:
    client.force_login(user)
    answer = client.get(raster(14).rsplit("/", 2)[0] + "/0/0")
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/png")
    assert len(answer.content) < 200


def test_nobody_else_does(client: Client, raster: Callable[..., str]) -> None:
    answer = client.get(raster(14))
    assert answer.status_code == 401
    assert answer.json()["code"] == "not_authenticated"
    wrong = client.get(raster(14), headers={"Authorization": "Token 0000"})
    assert wrong.status_code == 401
    other = User.objects.create_user("other@example.org", "correct horse battery staple")
    client.force_login(other)
    answer = client.get(raster(14))
    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/problem+json"


def test_a_tile_is_drawn_once(client: Client, user: User, raster: Callable[..., str]) -> None:
    client.force_login(user)
    first = client.get(raster(14) + "?v=2")
    again = client.get(raster(14) + "?v=2", headers={"If-None-Match": first["ETag"]})
    assert again.status_code == 304
    assert not again.content
    assert again["ETag"] == first["ETag"]
    stale = client.get(raster(14) + "?v=1")
    assert stale.status_code == 200
    assert "immutable" not in stale["Cache-Control"]


def test_what_does_not_exist(client: Client, user: User, raster: Callable[..., str]) -> None:
    client.force_login(user)
    assert client.get(raster(14, uuid4())).status_code == 404
    base = raster(14).rsplit("/", 3)[0]
    for tile in ("0/1/0", "3/8/0", "25/0/0", "99/0/0", "a/0/0", "1/0"):
        assert client.get(f"{base}/{tile}").status_code == 404, tile
    assert client.post(f"{base}/0/0/0").status_code == 405


def test_permission_is_asked_for_once(
    client: Client, user: User, raster: Callable[..., str], django_assert_num_queries: Callable
) -> None:
    client.force_login(user)
    client.get(raster(14))
    with django_assert_num_queries(2):  # session and user
        client.get(raster(13))


@pytest.mark.django_db(transaction=True)  # the files go when the deletion is committed
def test_a_deleted_raster_is_gone_at_once(
    client: Client, user: User, raster: Callable[..., str]
) -> None:
    client.force_login(user)
    assert client.get(raster(14)).status_code == 200
    answer = client.delete(raster(14).replace("/tiles/", "/delete/").rsplit("/", 3)[0])
    assert answer.status_code == 204, answer.content
    assert client.get(raster(14)).status_code == 404


def test_a_request_without_a_result_has_no_tiles(client: Client, user: User, db: None) -> None:
    request = ProcessingRequest.objects.create(
        kind="rasters", name="a", owner=user, input_file="x", input_name="i.tif", input_size=1
    )
    client.force_login(user)
    assert client.get(f"/api/v1/rasters/tiles/{request.id}/0/0/0").status_code == 404
