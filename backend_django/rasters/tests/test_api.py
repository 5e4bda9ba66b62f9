"""A raster's way through the running product, over HTTP: web, worker, database, files."""

import hashlib
import io
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from PIL import Image
from rio_cogeo.cogeo import cog_validate

from tests.stack import ADMIN, ROOT, Api, Stack, wait_for

from . import factory
from .cog_check import check_cog

pytestmark = pytest.mark.slow


PASSWORD = "correct horse battery staple"


@pytest.fixture(scope="module")
def other(stack: Stack) -> Iterator[Api]:
    """Somebody else."""
    stack.manage(
        "shell",
        "-c",
        "from allauth.account.models import EmailAddress\n"
        "from backend_django.users.models import User\n"
        f"user = User.objects.create_user('grace@example.org', {PASSWORD!r})\n"
        "EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)",
    )
    with stack.client("grace@example.org", PASSWORD) as client:
        yield client


def submit(api: Api, path: Path, **fields: str) -> dict[str, Any]:
    created = api.create("rasters", path.read_bytes(), "Møn 2024.tif", **fields)
    assert created["status"] == "pending"
    return api.wait("rasters", created["id"])


def request_files(stack: Stack, request_id: str) -> list[Path]:
    return [path for path in (stack.media).rglob("*") if request_id in str(path) and path.is_file()]


def test_from_upload_to_deletion(api: Api, stack: Stack, tmp_path: Path) -> None:
    values = factory.pixels("uint16", 4, 900, 1100)
    source = factory.write(tmp_path / "input.tif", values, nodata=0)
    created = api.create("rasters", source.read_bytes(), "Møn 2024.tif", profile="zstd", name="Møn")
    early = api.get(f"rasters/results/{created['id']}/")
    assert early.status_code in {409, 200}  # 200 only when the worker was quicker
    done = api.wait("rasters", created["id"])
    assert (done["status"], done["progress"], done["name"]) == ("completed", 100, "Møn")

    answer = api.get(f"rasters/results/{done['id']}")
    assert answer.status_code == 200
    result = answer.json()
    assert (result["width"], result["height"], result["dtype"]) == (1100, 900, "uint16")
    assert (result["profile"], result["compression"]) == ("zstd", "ZSTD")
    assert result["nodata"] == 0
    assert result["validation"] == {"valid": True, "errors": [], "warnings": []}
    assert result["crs"]["epsg"] == 32632
    assert result["overviews"] == [2, 4, 8]
    assert result["input_size"] == source.stat().st_size
    assert result["bands"][0]["mean"] == pytest.approx(values[0].mean(), rel=0.01)

    download_url = stack.url + result["download_url"]
    download = api.get(download_url)
    assert download.status_code == 200
    assert "M%C3%B8n%202024.cog.tif" in download.headers["content-disposition"]
    assert len(download.content) == result["output_size"]
    assert hashlib.sha256(download.content).hexdigest() == result["sha256"]
    part = api.get(download_url, headers={"Range": "bytes=4-103"})
    assert part.status_code == 206
    assert part.content == download.content[4:104]
    path = tmp_path / "download.tif"
    path.write_bytes(download.content)
    check_cog(path)
    assert cog_validate(path, strict=True, quiet=True) == (True, [], [])
    with rasterio.open(path) as dataset:
        np.testing.assert_array_equal(dataset.read(), values)

    west, south, east, north = result["bounds"]
    z, x, y = factory.tile_of((west + east) / 2, (south + north) / 2, result["tiles"]["maxzoom"])
    address = stack.url + result["tiles"]["url_template"].format(z=z, x=x, y=y)
    tile = api.get(address)
    assert tile.status_code == 200
    assert Image.open(io.BytesIO(tile.content)).size == (256, 256)
    assert "immutable" in tile.headers["cache-control"]
    again = api.get(address, headers={"If-None-Match": tile.headers["etag"]})
    assert again.status_code == 304

    assert request_files(stack, done["id"])
    assert api.delete(f"rasters/delete/{done['id']}/").status_code == 204
    assert not request_files(stack, done["id"])
    for gone in (address, download_url, f"rasters/status/{done['id']}/"):
        assert api.get(gone).status_code == 404


def test_somebody_else_finds_nothing(api: Api, other: Api, tmp_path: Path) -> None:
    done = submit(api, factory.write(tmp_path / "i.tif", factory.pixels("uint8")))
    address = done["id"]
    for method, path in (
        ("GET", f"rasters/status/{address}/"),
        ("GET", f"rasters/results/{address}/"),
        ("GET", f"rasters/download-cog/{address}/"),
        ("GET", f"rasters/tiles/{address}/0/0/0"),
        ("POST", f"rasters/cancel/{address}/"),
        ("POST", f"rasters/retry/{address}/"),
        ("DELETE", f"rasters/delete/{address}/"),
    ):
        assert other.request(method, path).status_code == 404, path
    assert other.get("rasters/list/").json()["count"] == 0
    assert api.get(f"rasters/results/{address}/").status_code == 200


@pytest.mark.parametrize(
    ("content", "code", "sentence"),
    [
        (b"hello", "not_a_tiff", "Dies ist weder ein GeoTIFF noch"),
        (b"II*\0\x08\0\0\0", "unreadable", "Die Datei beginnt wie ein TIFF"),
        (
            b"<VRTDataset rasterXSize='9' rasterYSize='9'/>",
            "not_a_tiff",
            "Dies ist kein GeoTIFF, sondern ein XML-",
        ),
    ],
)
def test_what_is_no_raster_fails_with_a_reason(
    api: Api, content: bytes, code: str, sentence: str
) -> None:
    created = api.create("rasters", content, "x.tif")
    failed = api.wait("rasters", created["id"])
    assert (failed["status"], failed["error_code"]) == ("failed", code)
    assert failed["error_message"].endswith(".")
    # Composed by a process without Django, translated for whoever reads it.
    german = api.get(f"rasters/status/{created['id']}/", headers={"Accept-Language": "de"}).json()
    assert german["error_message"].startswith(sentence)
    answer = api.get(f"rasters/results/{created['id']}/")
    assert (answer.status_code, answer.json()["status"]) == (409, 409)


def test_hostile_and_broken_rasters_fail_with_a_reason(
    api: Api, stack: Stack, tmp_path: Path
) -> None:
    pixels = factory.pixels("uint8", 1, 600, 600) // 16
    hostile = factory.write(tmp_path / "hostile.tif", pixels)
    with rasterio.open(hostile, "r+") as dataset:
        dataset.update_tags(ns="OVERVIEWS", OVERVIEW_FILE="/etc/hostname")
    broken = factory.write(tmp_path / "broken.tif", pixels, compress="deflate", tiled=True)
    content = bytearray(broken.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 2000] = bytes(2000)
    broken.write_bytes(content)
    lost = factory.write(tmp_path / "lost.tif", pixels, crs=None)
    for path, code in (
        (hostile, "external_overviews"),
        (broken, "damaged_pixels"),
        (lost, "no_crs"),
    ):
        failed = submit(api, path)
        assert (failed["status"], failed["error_code"]) == ("failed", code)
        assert str(stack.directory) not in failed["error_message"]
    assert not list(stack.work.iterdir())


def test_an_unknown_profile_is_refused_at_once(api: Api) -> None:
    answer = api.post(
        "rasters/create/", files={"file": ("x.tif", b"II*\0")}, data={"profile": "zip"}
    )
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "profile"


def test_a_map_copy_is_drawn_after_the_result(api: Api, stack: Stack, tmp_path: Path) -> None:
    source = factory.write(tmp_path / "i.tif", factory.pixels("uint8", 3))
    done = submit(api, source, map_copy="true")
    assert done["status"] == "completed"
    address = f"rasters/map-copy/{done['id']}/"
    wait_for(lambda: api.get(address).json()["status"] == "completed", what="the tiles are drawn")
    copy = api.get(address).json()
    assert copy["tiles"] > 4
    assert copy["size"] > 1000
    result = api.get(f"rasters/results/{done['id']}/").json()
    west, south, east, north = result["bounds"]
    z, x, y = factory.tile_of((west + east) / 2, (south + north) / 2, result["tiles"]["maxzoom"])
    shared = api.post(f"rasters/shares/{done['id']}/", json={"days": 1}).json()
    tile = f"tiles/{z}/{x}/{y}"
    own = api.get(f"rasters/tiles/{done['id']}/{z}/{x}/{y}")
    with Api(stack.url) as visitor:
        seen = visitor.get(f"rasters/shared/{shared['token']}/{tile}")
    assert (seen.status_code, seen.content) == (200, own.content)
    assert api.delete(f"rasters/delete/{done['id']}/").status_code == 204


def test_cancel_leaves_no_file(api: Api, stack: Stack, tmp_path: Path) -> None:
    values = np.tile(factory.pixels("uint8", 3, 1000, 1000), (1, 7, 7))
    source = factory.write(tmp_path / "i.tif", values)
    # Another grid takes several times as long: it still converts when the cancel comes.
    created = api.create("rasters", source.read_bytes(), "large.tif", grid="web")
    wait_for(lambda: api.status("rasters", created["id"])["phase"] == "process", what="it converts")
    assert api.post(f"rasters/cancel/{created['id']}/").status_code == 200
    cancelled = api.wait("rasters", created["id"], seconds=10)
    assert cancelled["status"] == "cancelled"
    assert not list(stack.work.iterdir())
    assert not request_files(stack, created["id"])  # the upload lies elsewhere
    assert api.delete(f"rasters/delete/{created['id']}/").status_code == 204


def test_the_demo(stack: Stack, tmp_path: Path) -> None:
    environment = os.environ | {
        "DJANGO_SUPERUSER_EMAIL": ADMIN["email"],
        "DJANGO_SUPERUSER_PASSWORD": ADMIN["password"],
    }
    command = [sys.executable, "-m", "backend_django.rasters.demo", "--base-url", stack.url]
    done = subprocess.run(
        [*command, "--output", str(tmp_path)],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "completed 100 %" in done.stdout
    path = Path(done.stdout.splitlines()[-1])
    assert path == tmp_path / "iceland.cog.tif"
    check_cog(path)

    text = tmp_path / "notes.tif"
    text.write_text("not a raster")
    failed = subprocess.run(
        [*command, str(text)],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert failed.returncode == 1
    assert "not a GeoTIFF" in failed.stdout
    assert "Traceback" not in failed.stderr
