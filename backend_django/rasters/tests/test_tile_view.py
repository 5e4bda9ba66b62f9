"""Who may see a tile, and what a browser may keep of it."""

import io
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import pytest
from django.test import Client
from PIL import Image

from backend_django.processing.models import ProcessingRequest
from backend_django.rasters.api import tiles as tile_views
from backend_django.users.models import User
from backend_django.users.services import token_create

from . import factory
from .conftest import Store

pytestmark = pytest.mark.slow

Address = Callable[..., str]


@pytest.fixture
def raster(store: Store) -> Address:
    """Return a function from a zoom to the address of a tile amid a raster of `user`."""
    request = store()
    west, south, east, north = request.result.data["bounds"]

    def address(zoom: int, request_id: UUID | str = request.id) -> str:
        z, x, y = factory.tile_of((west + east) / 2, (south + north) / 2, zoom)
        return f"/api/v1/rasters/tiles/{request_id}/{z}/{x}/{y}"

    return address


def test_the_owner_sees_it(client: Client, user: User, raster: Address) -> None:
    client.force_login(user)
    for end in ("", "/"):
        answer = client.get(raster(14) + end + "?v=2")
        assert (answer.status_code, answer["Content-Type"]) == (200, "image/jpeg")
        assert answer.content[:2] == b"\xff\xd8"
        assert "immutable" in answer["Cache-Control"]
        assert "private" in answer["Cache-Control"]
    key = token_create(user=user, name="tiles")[1]
    answer = Client().get(raster(14), headers={"Authorization": f"Token {key}"})
    assert answer.status_code == 200


def test_outside_there_is_nothing(client: Client, user: User, raster: Address) -> None:
    client.force_login(user)
    answer = client.get(raster(14).rsplit("/", 2)[0] + "/0/0?v=2")
    assert (answer.status_code, answer.content) == (204, b"")
    assert "immutable" in answer["Cache-Control"]


def test_numbers_are_of_plain_digits(client: Client, user: User, raster: Address) -> None:
    client.force_login(user)
    address = raster(14)
    start, z, x, y = address.rsplit("/", 3)
    arabic = str.maketrans(
        "0123456789", "\u0660\u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668\u0669"
    )
    for tile in (f"{z.translate(arabic)}/{x}/{y}", f"{z}/{x}/{y.translate(arabic)}"):
        assert client.get(f"{start}/{tile}").status_code == 404
    for query in ("bands=\u0661", "rescale=\u0660,\u0669", "rescale=0,1_0"):
        assert client.get(f"{address}?{query}").status_code == 400, query
    for query in ("bands=1", "rescale=-0.5,1e2"):
        assert client.get(f"{address}?{query}").status_code == 200, query


def picture(client: Client, address: str) -> Any:
    answer = client.get(address)
    assert answer.status_code == 200, answer.content
    return np.asarray(Image.open(io.BytesIO(answer.content)).convert("RGBA")).astype(int)


def test_bands_rescale_and_colormap(client: Client, user: User, raster: Address) -> None:
    client.force_login(user)
    address = raster(14)
    usual = picture(client, address)
    swapped = picture(client, f"{address}?bands=3,2,1")
    assert np.abs(usual[..., [2, 1, 0]] - swapped[..., :3]).mean() < 8  # both are JPEGs
    single = picture(client, f"{address}?bands=2&rescale=0,255")
    assert (single[..., 0] == single[..., 1]).all()
    brighter = picture(client, f"{address}?bands=2&rescale=0,128")
    assert np.abs(np.minimum(single * 2, 255)[..., 0] - brighter[..., 0]).max() <= 3
    each = picture(client, f"{address}?rescale=0,128,0,255,0,255")
    assert each[..., 0].mean() > usual[..., 0].mean() + 30
    assert abs(each[..., 1].mean() - usual[..., 1].mean()) < 3
    coloured = picture(client, f"{address}?bands=2&colormap=magma&rescale=0,255")
    grey = single[..., 0]
    dark, bright = coloured[grey < np.quantile(grey, 0.1)], coloured[grey > np.quantile(grey, 0.9)]
    assert bright[:, :3].mean() > dark[:, :3].mean() + 40
    assert (coloured[..., 0] != coloured[..., 2]).mean() > 0.9


def test_another_style_is_another_tile(client: Client, user: User, raster: Address) -> None:
    client.force_login(user)
    one, other = (client.get(f"{raster(14)}?v=2&bands={band}") for band in (1, 2))
    assert one["ETag"] != other["ETag"]
    again = client.get(f"{raster(14)}?v=2&bands=2", headers={"If-None-Match": one["ETag"]})
    assert again.status_code == 200


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("bands=4", "bands"), ("bands=0", "bands"), ("bands=1,2", "bands"), ("bands=", "bands"),
        ("bands=1,2,3,1", "bands"), ("bands=a", "bands"), ("bands=-1", "bands"),
        ("rescale=1", "rescale"), ("rescale=5,5", "rescale"), ("rescale=9,1", "rescale"),
        ("rescale=0,nan", "rescale"), ("rescale=0,inf", "rescale"), ("rescale=0,1,2", "rescale"),
        ("bands=1&rescale=0,1,0,1", "rescale"), ("rescale=" + "1," * 9000, "rescale"),
        ("bands=1&colormap=rainbow", "colormap"), ("colormap=viridis", "colormap"),
        ("bands=\u0661", "bands"), ("rescale=0,\u0661", "rescale"), ("rescale=0,1_0", "rescale"),
    ],
)  # fmt: skip
def test_a_style_that_makes_no_sense(
    query: str, field: str, client: Client, user: User, raster: Address
) -> None:
    client.force_login(user)
    answer = client.get(f"{raster(14)}?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_style")
    assert answer.json()["detail"].startswith(f"{field}: ")


def test_address_says_each_thing_once_and_in_plain_digits(
    client: Client, user: User, raster: Address
) -> None:
    client.force_login(user)
    for query, code in {"x=1": "unknown_parameter", "bands=1&bands=2": "repeated"}.items():
        answer = client.get(f"{raster(14)}?{query}")
        assert answer.status_code == 400
        assert [error["code"] for error in answer.json()["errors"]] == [code]
    base, x, y = raster(14).rsplit("/", 2)
    arabic = x.translate({ord(str(i)): chr(0x660 + i) for i in range(10)})
    assert client.get(f"{base}/{arabic}/{y}").status_code == 404


def test_nobody_else_does(client: Client, raster: Address) -> None:
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


def test_a_tile_is_drawn_once(client: Client, user: User, raster: Address) -> None:
    client.force_login(user)
    first = client.get(raster(14) + "?v=2")
    again = client.get(raster(14) + "?v=2", headers={"If-None-Match": first["ETag"]})
    assert again.status_code == 304
    assert not again.content
    assert again["ETag"] == first["ETag"]
    stale = client.get(raster(14) + "?v=1")
    assert stale.status_code == 200
    assert "immutable" not in stale["Cache-Control"]


def test_what_does_not_exist(client: Client, user: User, raster: Address) -> None:
    client.force_login(user)
    assert client.get(raster(14, uuid4())).status_code == 404
    base = raster(14).rsplit("/", 3)[0]
    for tile in ("0/1/0", "3/8/0", "25/0/0", "99/0/0", "a/0/0", "1/0"):
        assert client.get(f"{base}/{tile}").status_code == 404, tile
    assert client.post(f"{base}/0/0/0").status_code == 405


def test_permission_is_asked_for_once(
    client: Client,
    user: User,
    raster: Address,
    django_assert_num_queries: Callable,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client.force_login(user)
    monkeypatch.setattr(tile_views, "_KNOWN_SECONDS", 60)  # however slow this machine is
    client.get(raster(14))
    with django_assert_num_queries(0):
        assert client.get(raster(13)).status_code == 200


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
