"""The map under the hand: dragged, drawn on, over the whole screen, two rasters side by side."""

import io
import re
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import FloatRect, Locator, Page, expect

from backend_django.rasters.processor import RasterProcessor
from tests.stack import Stack

pytestmark = pytest.mark.slow


@pytest.fixture
def two(stack: Stack) -> list[str]:
    """The sample in colours, and one band of it, which is drawn in grey."""
    assert RasterProcessor.sample
    content = RasterProcessor.sample.read_bytes()
    with stack.client() as api:
        made = [
            api.create("rasters", content, f"{name}.tif", name=name, bands=bands)["id"]
            for name, bands in (("coloured", ""), ("grey", "1"))
        ]
        assert [api.wait("rasters", number)["status"] for number in made] == ["completed"] * 2
    return made


def box(element: Locator) -> FloatRect:
    found = element.bounding_box()
    assert found
    return found


def seen_place(page: Page) -> list[float]:
    """Zoom, latitude and longitude of the middle of the map, from the address."""
    page.wait_for_url(re.compile(r"[?&]at="))
    return [float(part) for part in re.split("[/,]", parse_qs(urlsplit(page.url).query)["at"][0])]


def colourfulness(page: Page, map_: Locator, left: float, right: float) -> float:
    """How far the pixels of a part of the map are from grey, at most 255."""
    around = box(map_)
    middle = {
        "x": around["x"] + left * around["width"], "width": (right - left) * around["width"],
        "y": around["y"] + 0.4 * around["height"], "height": 0.2 * around["height"],
    }  # fmt: skip
    shot = Image.open(io.BytesIO(page.screenshot(clip=middle)))  # type: ignore[arg-type]
    pixels = np.asarray(shot.convert("RGB")).astype(int)
    return float(np.percentile(np.ptp(pixels, axis=2), 75))


def test_the_map_under_the_hand(signed_in: Page, two: list[str]) -> None:
    page, (coloured, grey) = signed_in, two
    page.goto(f"/rasters/{coloured}")
    map_ = page.get_by_role("application")
    expect(page.locator("canvas").first).to_be_visible()
    page.wait_for_load_state("networkidle")
    around = box(map_)
    x, y = around["x"] + around["width"] / 2, around["y"] + around["height"] / 2

    # Dragged to the right, it shows what is further west.
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 60, y + 2, steps=4)
    page.mouse.up()
    west = seen_place(page)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 120, y, steps=4)
    page.mouse.up()
    page.wait_for_function("before => !location.href.includes(before)", arg=f"{west[2]}")
    east = seen_place(page)
    assert east[2] > west[2]
    assert east[0] == west[0]

    # A line drawn by hand has the corners that were clicked, and its values are shown.
    page.get_by_role("button", name="Profile along a line").click()
    page.get_by_role("button", name="Draw a line").click()
    expect(page.get_by_text("A double click ends it")).to_be_visible()
    map_.scroll_into_view_if_needed()
    around = box(map_)
    x, y = around["x"] + around["width"] / 2, around["y"] + around["height"] / 2
    page.mouse.click(x - 90, y - 20)
    page.mouse.click(x, y + 30)
    with page.expect_response(lambda r: "/profile/" in r.url) as asked:
        page.mouse.dblclick(x + 90, y - 20)
    assert asked.value.status == 200
    corners = [
        [float(part) for part in corner.split(",")]
        for corner in parse_qs(urlsplit(asked.value.url).query)["line"][0].split(";")
    ]
    longitudes, latitudes = zip(*corners, strict=True)
    assert len(corners) == 3
    assert longitudes[0] < longitudes[1] < longitudes[2]
    assert latitudes[1] < latitudes[0] == pytest.approx(latitudes[2], abs=1e-3)
    expect(page.get_by_role("img", name=re.compile("Values from"))).to_be_visible()

    # Over the whole screen, and back.
    page.get_by_role("button", name="Full screen").click()
    leave = page.get_by_role("button", name="Leave full screen")
    expect(leave).to_be_visible()
    page.wait_for_function(
        "() => document.fullscreenElement.getBoundingClientRect().width === innerWidth"
    )
    assert box(map_)["width"] > around["width"]
    leave.click()
    expect(page.get_by_role("button", name="Full screen")).to_be_visible()
    assert page.evaluate("document.fullscreenElement") is None

    # Another raster on the right; the line between the two follows the mouse.
    page.get_by_role("button", name="Show the whole raster").click()
    page.get_by_role("button", name="Compare with another raster").click()
    with page.expect_response(lambda r: f"/tiles/{grey}/" in r.url and r.status == 200):
        page.get_by_label("Show on the right side of the map").select_option("grey")
    page.wait_for_load_state("networkidle")
    line = page.get_by_role("slider", name="Where coloured ends and grey begins")
    expect(line).to_have_value("50")
    map_.scroll_into_view_if_needed()
    assert colourfulness(page, map_, 0.35, 0.48) > 12 > colourfulness(page, map_, 0.52, 0.65)
    track = box(line)
    handle = track["y"] + track["height"] / 2
    page.mouse.move(track["x"] + track["width"] / 2, handle)
    page.mouse.down()
    page.mouse.move(track["x"] + 0.7 * track["width"], handle, steps=5)
    page.mouse.up()
    assert 60 < int(line.input_value()) < 80
    page.mouse.move(x, y)
    page.wait_for_timeout(100)  # a frame is drawn
    assert colourfulness(page, map_, 0.52, 0.65) > 12
    assert parse_qs(urlsplit(page.url).query)["compare"] == [grey]
