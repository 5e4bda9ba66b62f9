"""What a person does with a raster on its page: colours, values, a profile, a link, a map copy;
and the map under the hand: dragged, drawn on, over the whole screen, two rasters side by side.
"""

import io
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import FloatRect, Locator, Page, Response, expect
from pyproj import Geod

from backend_django.rasters.processor import RasterProcessor
from backend_django.rasters.tests import factory
from tests.browsing import accessibility_problems, route_until_set
from tests.stack import Api, Stack, wait_for

pytestmark = pytest.mark.slow
LONGITUDE = "Number(new URLSearchParams(location.search).get('at').split('/')[2])"


@pytest.fixture(scope="module")
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


def is_tile(number: str) -> Callable[[Response], bool]:
    """Tell an answer with a picture of this raster from others."""
    return lambda answer: f"/tiles/{number}/" in answer.url and answer.status == 200


def test_workbench(signed_in: Page, two: list[str]) -> None:
    page = signed_in
    tiles: list[str] = []
    page.on("request", lambda r: tiles.append(r.url) if "/tiles/" in r.url else None)
    page.goto("/rasters")
    expect(page.locator("img[src*='/preview/']").first).to_be_visible(timeout=30_000)
    page.get_by_text("Options", exact=True).click()
    expect(page.get_by_label("Overviews")).to_be_visible()
    assert accessibility_problems(page) == []

    page.get_by_role("link", name="coloured").first.click()
    appearance = page.get_by_role("region", name="Appearance")
    with page.expect_response(re.compile("bands=1&format=numbers")) as numbers:
        appearance.get_by_role("combobox", name=re.compile("^Show")).select_option("one")
    assert numbers.value.status in {200, 204}
    expect(page.locator(".map-busy")).to_have_count(0)
    before = len(tiles)
    appearance.get_by_role("combobox", name=re.compile("^Colours")).select_option("magma")
    handle = appearance.get_by_role("slider", name=re.compile("Highest value"))
    handle.press("PageDown")
    expect(handle).to_have_attribute("aria-valuenow", re.compile(r"^(1\d\d|2[0-4]\d)$"))
    page.wait_for_url(re.compile("colormap=magma.*at="))
    # Those at the edges may still come, each once: what is on the screen is painted by the page.
    again = [url for url in tiles[before:] if url in tiles[:before] or "format=numbers" not in url]
    assert again == [], "the page has the numbers, and paints them itself"

    # The address is the view: somebody else who opens it sees the same; so does a browser that
    # cannot read numbers, for which the server draws.
    with page.expect_response(is_tile(two[0])):
        page.reload()
    page.wait_for_load_state("networkidle")
    expect(page.locator(".map-busy")).to_have_count(0)
    painted = seen(page)
    page.add_init_script("delete window.DecompressionStream")
    before = len(tiles)
    with page.expect_response(is_tile(two[0])):
        page.reload()
    wait_for(lambda: np.abs(seen(page) - painted).max() <= 2, what="both look the same")
    expect(appearance.get_by_role("combobox", name=re.compile("^Colours"))).to_have_value("magma")
    expect(page.locator("canvas").first).to_be_visible()
    assert all("colormap=magma" in url for url in tiles[before:])

    with page.expect_response(lambda r: "/point/" in r.url) as value:
        page.get_by_role("application").hover()
    assert value.value.status == 200
    values = value.value.json()["values"]
    assert len(values) == 4
    if values[0] is not None:
        expect(page.get_by_role("region", name="Map").get_by_role("status")).to_contain_text(
            f"{values[0]}"
        )

    page.get_by_role("tab", name="Measure").click()
    page.get_by_role("button", name="West to east").click()
    chart = page.get_by_role("img", name=re.compile("Values from"))
    expect(chart).to_be_visible()
    place = page.get_by_role("slider", name="Place along the line")
    place.press("ArrowRight")
    assert "m" in (place.get_attribute("aria-valuetext") or "")
    assert accessibility_problems(page) == []
    with page.expect_download() as table:
        page.get_by_role("button", name="CSV").click()
    rows = table.value.path().read_text().splitlines()
    assert rows[0].startswith("distance_m,longitude,latitude,")
    assert len(rows) == 321
    with page.expect_download() as picture:
        page.get_by_role("button", name="PNG").click()
    with Image.open(picture.value.path()) as image:
        assert (image.format, image.size) == ("PNG", (1200, 500))
        assert len(image.convert("RGB").getcolors(2**24) or []) > 3  # a line, letters, a grid

    page.get_by_role("tab", name="Use in").click()
    address = page.get_by_role("textbox", name="Tiles (XYZ)").input_value()
    assert "colormap=magma" in address
    assert page.request.get(address.format(z=0, x=0, y=0)).status == 200
    expect(page.get_by_role("textbox", name="/vsicurl/")).to_have_value(
        re.compile("^/vsicurl/http.*[^/]$")
    )
    assert accessibility_problems(page) == []
    page.get_by_role("button", name="Draw all tiles").click()
    expect(page.get_by_role("button", name="Remove the copy")).to_be_visible(timeout=60_000)


def test_a_link_for_somebody_without_an_account(
    signed_in: Page, two: list[str], stack: Stack
) -> None:
    """It opens the map as it was seen: with both layers, each by a link of its own."""
    page = signed_in
    page.goto(f"/rasters/{two[0]}?at=6/64/-19&layer=id%3D{two[1]}%26blend%3Dmultiply")
    expect(page.get_by_role("button", name="Hide grey")).to_be_visible()
    page.get_by_role("button", name="Share").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Note").fill("the survey")
    dialog.get_by_role("button", name="Create link").click()
    link = dialog.get_by_label("The link", exact=True).input_value()
    expect(dialog.get_by_text("the survey")).to_be_visible()
    assert accessibility_problems(page) == []

    context = page.context.browser.new_context(base_url=stack.url)  # type: ignore[union-attr]
    visitor = context.new_page()
    errors: list[str] = []
    visitor.on("pageerror", lambda error: errors.append(str(error)))
    with visitor.expect_response(lambda r: "/tiles/" in r.url and r.status == 200):
        visitor.goto(link)
    expect(visitor.get_by_role("heading", name="coloured")).to_be_visible()
    visitor.get_by_role("button", name="grey", exact=True).click()
    expect(visitor.get_by_role("combobox", name="Blend")).to_have_value("multiply")
    assert seen_place(visitor)[:2] == [6, 64]
    visitor.get_by_role("tab", name="Use in").click()
    address = visitor.get_by_role("textbox", name="Map layer (WMTS)").input_value()
    assert "<Capabilities" in visitor.request.get(address).text()
    expect(visitor.get_by_role("textbox", name="Tiles (XYZ)")).to_have_value(
        re.compile(r"\{z\}/\{x\}/\{y\}")
    )
    expect(visitor.get_by_role("textbox", name="vsicurl")).to_have_count(0)
    expect(visitor.get_by_role("link", name=re.compile("Download"))).to_have_count(0)
    assert accessibility_problems(visitor) == []

    dialog.get_by_role("button", name="Revoke the link for the survey").click()
    expect(dialog.get_by_text("No links yet")).to_be_visible()
    visitor.reload()
    expect(visitor.get_by_role("heading", name="This link no longer works")).to_be_visible()
    assert accessibility_problems(visitor) == []
    assert errors == []
    context.close()


@pytest.mark.matrix
def test_links_for_a_selection(signed_in: Page, two: list[str]) -> None:
    page = signed_in
    page.goto("/rasters?search=grey&status=completed")
    page.get_by_role("checkbox", name="Select this page").check()
    page.get_by_role("region", name="Selected rasters").get_by_role("button", name="Share").click()
    dialog = page.get_by_role("dialog", name=re.compile("^Share [0-9]+ raster"))
    dialog.get_by_role("button", name=re.compile("^Create")).click()
    name, link = dialog.get_by_label("The links").input_value().splitlines()[0].split("\t")
    assert name == "grey"
    assert accessibility_problems(page) == []
    assert page.request.get(f"{link.replace('/shared/', '/api/v1/rasters/shared/')}/").ok
    dialog.get_by_role("button", name="Close").click()
    expect(dialog).to_have_count(0)


def box(element: Locator) -> FloatRect:
    found = element.bounding_box()
    assert found
    return found


def seen_place(page: Page) -> list[float]:
    """Zoom, latitude and longitude of the middle of the map, from the address."""
    page.wait_for_url(re.compile(r"[?&]at="))
    return [float(part) for part in parse_qs(urlsplit(page.url).query)["at"][0].split("/")]


def seen(page: Page) -> NDArray[np.int_]:
    """Return the pixels of the middle of the map, without what is laid over it."""
    around = box(page.get_by_role("application"))
    clip = {
        "x": around["x"] + 80, "y": around["y"] + 60,
        "width": around["width"] - 160, "height": around["height"] - 160,
    }  # fmt: skip
    shot = Image.open(io.BytesIO(page.screenshot(clip=clip)))  # type: ignore[arg-type]
    return np.asarray(shot.convert("RGB")).astype(int)


def colourfulness(
    page: Page, map_: Locator, left: float, right: float, height: float = 0.2
) -> float:
    """How far the pixels of a part of the map are from grey, at most 255."""
    around = box(map_)
    middle = {
        "x": around["x"] + left * around["width"], "width": (right - left) * around["width"],
        "y": around["y"] + (0.5 - height / 2) * around["height"],
        "height": height * around["height"],
    }  # fmt: skip
    shot = Image.open(io.BytesIO(page.screenshot(clip=middle)))  # type: ignore[arg-type]
    pixels = np.asarray(shot.convert("RGB")).astype(int)
    return float(np.percentile(np.ptp(pixels, axis=2), 75))


@pytest.mark.matrix
def test_the_map_under_the_hand(signed_in: Page, two: list[str]) -> None:
    page, (coloured, grey) = signed_in, two
    with page.expect_response(is_tile(coloured)):
        page.goto(f"/rasters/{coloured}")
    map_ = page.get_by_role("application")
    expect(page.locator("canvas").first).to_be_visible()
    around = box(map_)
    x, y = around["x"] + around["width"] / 2, around["y"] + around["height"] / 2

    # Dragged to the left, it shows what is further east.
    zoom, _, before = seen_place(page)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 120, y, steps=4)
    page.wait_for_timeout(200)  # a hand that rests before it lets go does not throw the map
    page.mouse.up()
    page.wait_for_function(f"before => {LONGITUDE} > before", arg=before)
    assert seen_place(page)[0] == zoom

    # A line drawn by hand has the corners that were clicked, but for the one that was taken back;
    # the double click that ends it does not zoom.
    zoom = seen_place(page)[0]
    page.get_by_role("tab", name="Measure").click()
    page.get_by_role("button", name="Profile").click()
    expect(page.get_by_text("A double click or Enter ends it")).to_be_visible()
    page.mouse.click(x - 90, y - 20)
    page.mouse.click(x + 20, y + 60)
    page.keyboard.press("Backspace")
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
    page.keyboard.press("Escape")
    expect(page.get_by_role("img", name=re.compile("Values from"))).to_have_count(0)

    # An area is that of the ellipsoid.
    page.get_by_role("button", name="Area").click()
    page.mouse.click(x - 90, y - 20)
    page.mouse.click(x, y + 30)
    page.mouse.dblclick(x + 90, y - 20)
    wanted = abs(Geod(ellps="WGS84").polygon_area_perimeter(longitudes, latitudes)[0])
    shown = page.get_by_text("Area", exact=True).locator("xpath=following-sibling::dd")
    expect(shown).to_have_text(re.compile("km²$"))
    km2 = float("".join(re.findall(r"[0-9.]", shown.inner_text().removesuffix("km²"))))
    assert km2 == pytest.approx(wanted / 1e6, rel=0.01)
    assert seen_place(page)[0] == zoom

    # Over the whole screen, and back.
    page.get_by_role("button", name="Full screen").click()
    leave = page.get_by_role("button", name="Leave full screen")
    expect(leave).to_be_visible()
    page.wait_for_function(
        "() => document.fullscreenElement.getBoundingClientRect().width === innerWidth"
    )
    assert box(map_)["height"] > around["height"]
    leave.click()
    # Exactly: "Leave full screen" has the words, too.
    expect(page.get_by_role("button", name="Full screen", exact=True)).to_be_visible()
    assert page.evaluate("document.fullscreenElement") is None

    # Another raster on the right; the line between the two follows the mouse.
    page.get_by_role("tab", name="Style").click()
    page.get_by_role("button", name="Show the whole raster").click()
    page.get_by_label("Add a layer").select_option("grey")
    page.get_by_label("Swipe the top two").check()
    line = page.get_by_role("slider", name="Where coloured ends and grey begins")
    expect(line).to_have_value("50")
    left, right = (0.35, 0.48), (0.52, 0.65)
    wait_for(lambda: colourfulness(page, map_, *left) > 12 > colourfulness(page, map_, *right))
    track = box(line)
    handle = track["y"] + track["height"] / 2
    page.mouse.move(track["x"] + track["width"] / 2, handle)
    page.mouse.down()
    page.mouse.move(track["x"] + 0.7 * track["width"], handle, steps=5)
    page.mouse.up()
    assert 60 < int(line.input_value()) < 80
    page.mouse.move(x, y)
    wait_for(lambda: colourfulness(page, map_, *right) > 12)
    assert accessibility_problems(page) == []

    # Hidden, it is not compared any more; the address has all of that.
    page.get_by_role("button", name="Move grey down").click()
    page.get_by_role("button", name="Hide coloured").click()
    expect(line).to_have_count(0)
    wait_for(lambda: colourfulness(page, map_, *left) < 12)
    page.wait_for_url(re.compile(rf"hidden=1.*layer=id(=|%3D){grey}.*order=1", re.DOTALL))
    page.reload()
    expect(page.get_by_role("button", name="Show coloured")).to_be_visible()
    expect(page.get_by_role("button", name="Hide grey")).to_be_visible()
    wait_for(lambda: colourfulness(page, map_, *left) < 12)


@pytest.mark.parametrize("page", [{"viewport": {"width": 1440, "height": 900}}], indirect=True)
def test_all_that_changes_the_map_is_in_sight(signed_in: Page, two: list[str]) -> None:
    """On a usual screen, two layers that are compared, one of them in three bands."""
    page = signed_in
    page.goto(f"/rasters/{two[0]}?layer=id%3D{two[1]}&swipe=50")
    expect(page.get_by_role("slider", name=re.compile("^Highest value of Blue"))).to_be_visible()
    panel = page.get_by_role("tabpanel", name="Style")
    assert panel.evaluate("element => element.scrollHeight <= element.clientHeight")


@pytest.mark.parametrize("page", [{"viewport": {"width": 390, "height": 844}}], indirect=True)
def test_the_sheet_of_a_phone_has_three_heights(signed_in: Page, two: list[str]) -> None:
    page = signed_in
    page.goto(f"/rasters/{two[0]}")
    tabs = page.get_by_role("tablist")
    tops = []
    for height, after in (("half", "full"), ("full", "low"), ("low", "half")):
        handle = page.get_by_role("button", name=f"Height of the panel: {height}")
        tops.append(box(handle)["y"])
        assert box(tabs)["y"] + box(tabs)["height"] <= 844, "the tabs are always in reach"
        handle.click()
        expect(page.get_by_role("button", name=f"Height of the panel: {after}")).to_be_visible()
        page.locator(".workbench-panel").evaluate(
            "element => Promise.all(element.getAnimations().map(({ finished }) => finished))"
        )
    half, full, low = tops
    assert full < half < low


def test_a_map_that_could_not_be_loaded_is_tried_again(signed_in: Page, two: list[str]) -> None:
    page = signed_in
    is_back = route_until_set(page, "**/tiles/**", lambda route: route.fulfill(status=503))
    page.goto(f"/rasters/{two[0]}")
    alert = page.get_by_role("alert").filter(has_text="could not be loaded")
    expect(alert).to_be_visible()
    assert accessibility_problems(page) == []
    is_back.set()
    with page.expect_response(is_tile(two[0])):
        alert.get_by_role("button", name="Try again").click()
    expect(alert).to_have_count(0)


@pytest.mark.matrix
def test_what_is_computed_of_bands(signed_in: Page, two: list[str]) -> None:
    page = signed_in
    page.goto(f"/rasters/{two[0]}")
    panel = page.get_by_role("region", name="Appearance")
    with page.expect_response(re.compile("/tiles/.*algorithm=slope")) as drawn:
        panel.get_by_role("combobox", name="Show").select_option("slope")
    assert drawn.value.status in {200, 204}
    expect(panel.get_by_role("group", name="Histogram of Slope in degrees")).to_be_visible()

    panel.get_by_role("combobox", name="Show").select_option("expression")
    field = panel.get_by_label("Expression of b1 to b")
    field.fill("b1-b9")
    panel.get_by_role("button", name="Apply").click()
    expect(panel.get_by_role("alert")).to_contain_text("The raster has the bands b1 to b")
    assert accessibility_problems(page) == []
    field.fill("b1 - b2")
    with page.expect_response(re.compile("/tiles/.*expression=b1\\+-\\+b2")) as drawn:
        panel.get_by_role("button", name="Apply").click()
    assert drawn.value.status in {200, 204}
    expect(panel.get_by_role("group", name="Histogram of b1 - b2")).to_be_visible()
    page.wait_for_url(re.compile("expression=b1"))


def test_a_raster_that_is_too_small_to_see_is_a_dot(
    signed_in: Page, api: Api, tmp_path: Path
) -> None:
    source = factory.write(tmp_path / "i.tif", np.full((1, 40, 40), 200, "uint8"))
    number = api.create("rasters", source.read_bytes(), "small.tif")["id"]
    assert api.wait("rasters", number)["status"] == "completed"
    west, south, _, _ = api.get(f"rasters/results/{number}/").json()["bounds"]
    signed_in.goto(f"/rasters/{number}?at=3/{south}/{west}")
    map_ = signed_in.get_by_role("application")
    expect(signed_in.locator("canvas").first).to_be_visible()
    wait_for(lambda: colourfulness(signed_in, map_, 0.497, 0.503, height=0.008) > 40)
