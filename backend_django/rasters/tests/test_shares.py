"""Links for people without an account: what they show, to whom, and for how long."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from backend_django.processing.models import ProcessingRequest
from backend_django.rasters import services
from backend_django.rasters.api import tiles as tile_views
from backend_django.rasters.models import RasterShare
from backend_django.users.models import User

from . import factory
from .conftest import Store

pytestmark = pytest.mark.slow

PARTS = ("", "preview/", "stac/", "tilejson/", "wmts/", "point/?longitude=9&latitude=47",
         "profile/?line=9,46.9;9.1,46.9", "tiles/0/0/0", "download-cog/")  # fmt: skip


@pytest.fixture
def request_(store: Store) -> ProcessingRequest:
    return store()


def share(client: Client, request: ProcessingRequest, **wanted: Any) -> dict[str, Any]:
    answer = client.post(
        f"/api/v1/rasters/shares/{request.id}/", wanted, content_type="application/json"
    )
    assert answer.status_code == 201, answer.content
    return answer.json()


def visit(token: str, part: str = "") -> Any:
    return Client().get(f"/api/v1/rasters/shared/{token}/{part}")


def test_a_visitor_sees_this_raster(
    client: Client, user: User, request_: ProcessingRequest
) -> None:
    client.force_login(user)
    made = share(client, request_, days=7, note="Ada")
    token = made["token"]
    assert made["url"].endswith(f"/shared/{token}")
    answer = visit(token)
    assert answer.status_code == 200, answer.content
    seen = answer.json()
    assert (seen["name"], seen["allow_download"]) == (request_.name, False)
    for path in (*seen["links"].values(), seen["tiles"]["url_template"]):
        assert path.startswith(f"/api/v1/rasters/shared/{token}/")
    for part in PARTS[:-2]:
        answer = visit(token, part)
        assert answer.status_code == 200, (part, answer.content)
        assert "Set-Cookie" not in answer
        assert str(user.email) not in answer.content.decode(errors="replace")
    tile = visit(token, "tiles/0/0/0?v=2")
    assert tile.status_code == 200  # a few pixels of the raster are one of this tile
    assert tile["Cache-Control"] == "public, max-age=3600, immutable"
    assert "Cookie" not in tile.get("Vary", "")
    west, south, east, north = request_.result.data["bounds"]
    z, x, y = factory.tile_of((west + east) / 2, (south + north) / 2, 14)
    assert visit(token, f"tiles/{z}/{x}/{y}?bands=1").status_code == 200


def test_downloading_is_a_right_of_its_own(
    client: Client, user: User, request_: ProcessingRequest
) -> None:
    client.force_login(user)
    refused = visit(share(client, request_)["token"], "download-cog/")
    assert (refused.status_code, refused.json()["code"]) == (403, "no_download")
    allowed = share(client, request_, allow_download=True)["token"]
    answer = visit(allowed, "download-cog/")
    content = b"".join(answer)
    assert content == request_.result.open_path("cog").read_bytes()
    address = visit(allowed).json()["download_url"]
    assert not address.endswith("/"), "a folder to GDAL's /vsicurl/"
    head = Client().head(address)
    assert (head.content, int(head["Content-Length"])) == (b"", len(content))
    part = Client().get(address, headers={"Range": "bytes=0-3"})
    assert (part.status_code, b"".join(part)) == (206, b"II*\0")


def test_it_ends_when_it_is_revoked(
    client: Client, user: User, request_: ProcessingRequest
) -> None:
    client.force_login(user)
    made, other = share(client, request_), share(client, request_, note="other")
    address = f"/api/v1/rasters/shares/{request_.id}/"
    listed = client.get(address).json()
    assert [row["note"] for row in listed] == ["other", ""]
    assert made["token"] not in client.get(address).content.decode()
    assert client.delete(f"{address}{made['id']}/").status_code == 204
    tile_views._known.clear()
    for part in PARTS:
        answer = visit(made["token"], part)
        assert answer.status_code == 404, part
        assert "expired" in answer.json()["detail"]
    assert visit(other["token"]).status_code == 200
    assert client.delete(f"{address}{made['id']}/").status_code == 404


def test_it_ends_when_it_expires(client: Client, user: User, request_: ProcessingRequest) -> None:
    client.force_login(user)
    token = share(client, request_, days=1)["token"]
    soon = timezone.now() + timedelta(seconds=100)
    RasterShare.objects.update(expires_at=soon)
    seconds = visit(token, "tiles/0/0/0?v=2")["Cache-Control"].split("=")[1].split(",")[0]
    assert 90 <= int(seconds) <= 100, "a cache would keep it longer than the link is good"
    RasterShare.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    tile_views._known.clear()
    for part in PARTS:
        assert visit(token, part).status_code == 404, part


def test_the_token_is_signed_and_stored_only_as_a_hash(
    client: Client, user: User, request_: ProcessingRequest, django_assert_num_queries: Any
) -> None:
    client.force_login(user)
    token = share(client, request_)["token"]
    secret, _, signature = token.partition("~")
    stored = str(list(RasterShare.objects.values()))
    assert secret not in stored
    assert signature not in stored
    for forged in (secret, f"{secret}~{signature[:-1]}x", f"x{token}", "a" * 40):
        assert visit(forged).status_code == 404
    with django_assert_num_queries(0):
        assert services.share_find(f"{secret}~{'A' * len(signature)}") is None


def test_nobody_else_makes_lists_or_revokes(
    client: Client, user: User, request_: ProcessingRequest
) -> None:
    client.force_login(user)
    made = share(client, request_)
    address = f"/api/v1/rasters/shares/{request_.id}/"
    assert Client().get(address).status_code == 401
    other = Client()
    other.force_login(User.objects.create_user("o@example.org", "correct horse battery staple"))
    for answer in (
        other.get(address),
        other.post(address, {}, content_type="application/json"),
        other.delete(f"{address}{made['id']}/"),
        other.get(f"/api/v1/rasters/map-copy/{request_.id}/"),
        other.post(f"/api/v1/rasters/map-copy/{request_.id}/"),
        other.delete(f"/api/v1/rasters/map-copy/{request_.id}/"),
        *(
            other.get(f"/api/v1/rasters/{name}/{request_.id}/{mark}{query}")
            for name, mark, query in (part.replace("/", "").partition("?") for part in PARTS[1:7])
        ),
    ):
        assert answer.status_code == 404, answer.request["PATH_INFO"]
    assert visit(made["token"]).status_code == 200
    assert client.delete(f"{address}{uuid4()}/").status_code == 404


@pytest.mark.parametrize("wanted", [{"days": 0}, {"days": 1000}, {"note": "x" * 101}])
def test_what_cannot_be_asked_for(
    wanted: dict[str, Any], client: Client, user: User, request_: ProcessingRequest
) -> None:
    client.force_login(user)
    answer = client.post(
        f"/api/v1/rasters/shares/{request_.id}/", wanted, content_type="application/json"
    )
    assert answer.status_code == 400
