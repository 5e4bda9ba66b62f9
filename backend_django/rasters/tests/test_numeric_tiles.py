"""Tiles of numbers, and that the page makes the pictures of them that the server would."""

import base64
import gzip
import io
import json
from typing import Any

import numpy as np
import pytest
from django.test import Client
from numpy.typing import NDArray
from PIL import Image

from backend_django.rasters.images import draw
from backend_django.rasters.numeric_tiles import encode_numbers
from backend_django.rasters.styles import COLORMAPS, Style
from backend_django.users.models import User
from tests.stack import ROOT

from . import factory
from .conftest import Store

# Read by the page's own test of how it paints.
EXAMPLE = ROOT / "frontend_vue/src/features/rasters/tiles.example.json"
ROWS, COLUMNS = np.mgrid[0:256, 0:256] // 6 * 6  # in blocks, which are small in a file
Mask = NDArray[np.uint8] | None


def cases() -> dict[str, tuple[NDArray[Any], Mask, Style]]:
    """Return values, mask and style of tiles that never change."""
    slope = (ROWS * 3 + COLUMNS * 2.0)[np.newaxis]
    hole = np.where((ROWS - 128) ** 2 + (COLUMNS - 128) ** 2 < 900, 0, 255).astype(np.uint8)
    soft = np.where(ROWS < 128, 255, COLUMNS).astype(np.uint8)
    missing = np.where(hole == 0, np.nan, slope / 7 - 50).astype("float32")
    colours = np.stack([ROWS, COLUMNS, 255 - ROWS]).astype("uint8")
    return {
        "uint16": (slope.astype("uint16"), None, Style((1,), ((90, 1111),), "viridis")),
        "int16": ((slope - 600).astype("int16"), hole, Style((1,), ((-450, 400),), "grey")),
        "float32": (missing, hole, Style((1,), ((-33.3, 123.4),), "magma")),
        "float64": (slope * 1e-9, None, Style((1,), ((2e-7, 9e-7),), "viridis")),
        "uint8, three": (colours, None, Style((1, 2, 3), ((0, 255), (17, 99), (60, 200)))),
        "uint8, soft": (colours, soft, Style((1, 2, 3), ((0, 255), (17, 99), (60, 200)))),
        "uint16, three": (
            (colours * np.uint16(9)), hole, Style((1, 2, 3), ((0, 2000), (100, 900), (5, 6)))
        ),
    }  # fmt: skip


def decode(content: bytes) -> tuple[NDArray[Any], Mask]:
    """Read a tile as its description says, by other means than it was written."""
    data = gzip.decompress(content)
    kind, count = data[:7].decode().rstrip(), int(data[7:8])
    size = np.dtype(kind).itemsize * count * 65536
    values = np.frombuffer(data[8 : 8 + size], np.dtype(kind).newbyteorder("<"))
    mask = np.frombuffer(data[8 + size :], np.uint8)
    return values.reshape(count, 256, 256), mask.reshape(256, 256) if len(mask) else None


def drawn(content: bytes) -> NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGBA"))


def example() -> dict[str, Any]:
    """Return the cases as a page reads them, with the pictures that the server draws."""
    made = {}
    for name, (values, mask, style) in cases().items():
        picture = draw(values, mask, style, None).content
        if picture.startswith(b"\xff\xd8"):  # a JPEG is no measure: the same with nothing lost
            pixels = drawn(
                draw(values, np.full((256, 256), 254, "uint8"), style, None).content
            ).copy()
            pixels[..., 3] = 255
        else:
            pixels = drawn(picture)
        made[name] = {
            "tile": encode(encode_numbers(values, mask)),
            "picture": encode(gzip.compress(pixels.tobytes(), mtime=0)),
            "ranges": style.ranges,
            "colours": list(COLORMAPS[style.colormap]) if style.colormap else [],
        }
    return made


def encode(data: bytes) -> str:
    return base64.b64encode(data).decode()


def unpacked(found: dict[str, Any]) -> dict[str, Any]:
    """Return it without what one compressor does and another not."""
    plain = json.loads(json.dumps(found))
    for case in plain.values():
        for name in ("tile", "picture"):
            case[name] = gzip.decompress(base64.b64decode(case[name]))
    return plain


def test_the_page_is_tested_with_what_the_server_draws() -> None:
    """To renew it: `python -m backend_django.rasters.tests.write_tile_example`."""
    assert unpacked(json.loads(EXAMPLE.read_text())) == unpacked(example())


@pytest.mark.parametrize("name", cases())
def test_the_numbers_are_those_that_would_be_drawn(name: str) -> None:
    values, mask, style = cases()[name]
    numbers, read_mask = decode(encode_numbers(values.copy(), mask))
    again = drawn(draw(numbers, read_mask, style, None).content).astype(int)
    wanted = drawn(draw(values, mask, style, None).content)
    visible = wanted[..., 3] > 0
    assert (again[..., 3] == wanted[..., 3]).all()
    # With 24 digits a value at the limit of two colours may get the other.
    assert np.abs(again - wanted)[visible].max() <= (3 if name == "float64" else 0)


def test_numbers_of_a_raster(client: Client, user: User, store: Store) -> None:
    """They are of the same pixels as the picture, and kept for as long."""
    values = factory.pixels("uint16", 1)
    request = store(values)
    west, south, east, north = request.result.data["bounds"]
    z, x, y = factory.tile_of((west + east) / 2, (south + north) / 2, 12)
    address = f"/api/v1/rasters/tiles/{request.id}/{z}/{x}/{y}?v=2"
    client.force_login(user)
    answer = client.get(f"{address}&bands=1&format=numbers")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/gzip")
    assert answer["Cache-Control"] == "private, max-age=31536000, immutable"
    picture = client.get(f"{address}&bands=1&rescale=100,50000&colormap=magma")
    assert picture["ETag"] != answer["ETag"]
    style = Style((1,), ((100, 50000),), "magma")
    painted = draw(*decode(answer.content), style, None)
    assert (drawn(painted.content) == drawn(picture.content)).all()

    slope = decode(client.get(f"{address}&algorithm=slope&format=numbers").content)[0]
    assert slope.dtype == np.float32
    assert 0 <= slope.min() <= slope.max() <= 90
    beyond = client.get(f"{address.rsplit('/', 2)[0]}/0/0?v=2&format=numbers")
    assert (beyond.status_code, beyond.content) == (204, b"")
    refused = client.get(f"{address}&format=png")
    assert refused.status_code == 400
    assert "format" in refused.json()["detail"]
    client.logout()
    assert client.get(f"{address}&format=numbers").status_code == 401
