"""What a person does with a raster on its page: colours, values, a profile, a link, a map copy."""

import re

import pytest
from playwright.sync_api import Page, expect

from backend_django.rasters.processor import RasterProcessor
from tests.browsing import accessibility_problems
from tests.stack import Stack

pytestmark = pytest.mark.slow


@pytest.fixture
def raster(signed_in: Page) -> Page:
    """The page of a raster that was just uploaded."""
    assert RasterProcessor.sample
    signed_in.goto("/rasters")
    signed_in.locator("input[type=file]").set_input_files(RasterProcessor.sample)
    expect(signed_in.get_by_text("Valid Cloud-Optimized GeoTIFF")).to_be_visible(timeout=40_000)
    return signed_in


def test_workbench(raster: Page) -> None:
    page = raster
    tiles: list[str] = []
    page.on("response", lambda r: tiles.append(r.url) if "/tiles/" in r.url else None)
    page.goto("/rasters")
    expect(page.locator("img[src*='/preview/']").first).to_be_visible(timeout=30_000)
    page.get_by_text("Options", exact=True).click()
    expect(page.get_by_label("Overviews")).to_be_visible()
    assert accessibility_problems(page) == []

    page.get_by_role("link", name="iceland").first.click()
    appearance = page.get_by_role("region", name="Appearance")
    appearance.get_by_role("combobox", name=re.compile("^Show")).select_option("1")
    appearance.get_by_role("combobox", name=re.compile("^Colours")).select_option("magma")
    handle = appearance.get_by_role("slider", name=re.compile("Highest value"))
    assert handle.get_attribute("aria-valuenow") == "255"
    handle.press("PageDown")
    asked = int(handle.get_attribute("aria-valuenow") or 0)
    assert 100 < asked < 255
    with page.expect_response(lambda r: f"rescale=0%2C{asked}&colormap=magma" in r.url) as drawn:
        pass
    assert drawn.value.status in {200, 204}
    page.wait_for_url(re.compile("colormap=magma.*at="))

    # The address is the view: somebody else who opens it sees the same.
    before = len(tiles)
    page.reload()
    expect(appearance.get_by_role("combobox", name=re.compile("^Colours"))).to_have_value("magma")
    expect(page.locator("canvas").first).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert len(tiles) > before
    assert all("colormap=magma" in url for url in tiles[before:])

    with page.expect_response(lambda r: "/point/" in r.url) as value:
        page.get_by_role("application").hover()
    assert value.value.status == 200
    values = value.value.json()["values"]
    assert len(values) == 4
    if values[0] is not None:
        expect(page.get_by_role("region", name="Map").get_by_role("status")).to_contain_text(
            str(values[0])
        )

    page.get_by_role("button", name="Profile along a line").click()
    page.get_by_role("button", name="West to east").click()
    chart = page.get_by_role("img", name=re.compile("Values from"))
    expect(chart).to_be_visible()
    place = page.get_by_role("slider", name="Place along the line")
    place.press("ArrowRight")
    assert "m" in (place.get_attribute("aria-valuetext") or "")
    assert accessibility_problems(page) == []

    page.get_by_role("button", name="Draw all tiles").click()
    expect(page.get_by_role("button", name="Remove the copy")).to_be_visible(timeout=60_000)


def test_a_link_for_somebody_without_an_account(raster: Page, stack: Stack) -> None:
    page = raster
    page.get_by_role("button", name="Share").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("For whom").fill("the survey")
    dialog.get_by_role("button", name="Make a link").click()
    link = dialog.get_by_label("The link", exact=True).input_value()
    expect(dialog.get_by_text("the survey")).to_be_visible()
    assert accessibility_problems(page) == []

    context = page.context.browser.new_context(base_url=stack.url)  # type: ignore[union-attr]
    visitor = context.new_page()
    errors: list[str] = []
    visitor.on("pageerror", lambda error: errors.append(str(error)))
    with visitor.expect_response(lambda r: "/tiles/" in r.url and r.status == 200):
        visitor.goto(link)
    expect(visitor.get_by_role("heading", name="iceland")).to_be_visible()
    expect(visitor.get_by_role("link", name=re.compile("Download"))).to_have_count(0)
    assert accessibility_problems(visitor) == []

    dialog.get_by_role("button", name="Revoke the link for the survey").click()
    expect(dialog.get_by_text("There is none")).to_be_visible()
    visitor.reload()
    expect(visitor.get_by_role("heading", name="This link does not work")).to_be_visible()
    assert accessibility_problems(visitor) == []
    assert errors == []
    context.close()
