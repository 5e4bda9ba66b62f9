"""Several files, and rasters that are here, become one raster in a person's browser."""

import re
from pathlib import Path

import pytest
import rasterio
from playwright.sync_api import Page, expect
from rasterio.windows import Window

from backend_django.rasters.processor import RasterProcessor
from tests.browsing import accessibility_problems

pytestmark = pytest.mark.slow
PAGE = re.compile(r"/mosaics/[0-9a-f-]{36}(\?|$)")


@pytest.fixture
def halves(tmp_path: Path) -> list[Path]:
    """The sample in two pieces; nothing says where the second one is."""
    assert RasterProcessor.sample
    paths = [tmp_path / "west.tif", tmp_path / "east.tif"]
    with rasterio.open(RasterProcessor.sample) as whole:
        middle = whole.width // 2
        for path, start in zip(paths, (0, middle), strict=True):
            window = Window(start, 0, whole.width - middle if start else middle, whole.height)
            profile = whole.profile | {
                "width": window.width, "height": window.height,
                "transform": whole.window_transform(window),
                "crs": None if start else whole.crs,
            }  # fmt: skip
            with rasterio.open(path, "w", **profile) as piece:
                piece.write(whole.read(window=window))
    return paths


@pytest.mark.matrix
def test_files_become_one_raster(signed_in: Page, halves: list[Path]) -> None:
    page = signed_in
    page.goto("/rasters")
    page.get_by_role("link", name="Mosaics").click()
    expect(page.get_by_role("heading", name="Mosaics", exact=True)).to_be_visible()
    page.locator("input[type=file]").set_input_files(halves)
    form = page.get_by_role("form", name="Create a mosaic")
    expect(form.get_by_role("listitem")).to_have_count(2)
    page.locator("input[type=file]").set_input_files(halves[0])
    expect(page.get_by_text("“west.tif” is in the list already.")).to_be_visible()
    expect(form.get_by_role("listitem")).to_have_count(2)
    page.get_by_role("button", name="Move east.tif up").click()
    expect(form.get_by_role("listitem").first).to_contain_text("east.tif")
    page.get_by_label("Name", exact=True).fill("Both halves")
    page.get_by_text("Options").click()
    page.get_by_label("Draw all tiles of the map").check()
    assert accessibility_problems(page) == []
    page.get_by_role("button", name="Create mosaic").click()
    expect(page).to_have_url(PAGE)
    expect(page.get_by_text("“east.tif” failed: The raster has no coordinate")).to_be_visible(
        timeout=60_000
    )
    assert accessibility_problems(page) == []
    page.locator("input[name=crs]").fill("EPSG:3057")
    page.get_by_role("button", name="Set and continue").click()
    expect(page.get_by_role("application")).to_be_visible(timeout=60_000)
    expect(page.get_by_role("heading", name="Both halves")).to_be_visible()
    expect(page.locator("canvas").first).to_be_visible()
    page.get_by_role("tab", name="Use in").click()
    expect(page.get_by_text("The map is as fast as it can be.")).to_be_visible()
    assert accessibility_problems(page) == []
    page.get_by_role("button", name="Remove the copy").click()
    expect(page.get_by_role("button", name="Draw all tiles")).to_be_visible()
    page.goto("/mosaics")
    expect(page.get_by_role("link", name="Both halves")).to_be_visible()


@pytest.mark.matrix
def test_rasters_of_the_list_become_one(signed_in: Page, halves: list[Path]) -> None:
    page = signed_in
    page.goto("/rasters")
    page.locator("input[type=file]").set_input_files([halves[0], halves[0]])
    completed = (
        page.get_by_role("listitem").filter(has_text="west.tif").filter(has_text="Completed")
    )
    expect(completed).to_have_count(2, timeout=60_000)
    for number in range(2):
        completed.nth(number).get_by_role("checkbox").check()
    page.get_by_role("link", name="Create a mosaic").click()
    form = page.get_by_role("form", name="Create a mosaic")
    expect(form.get_by_text("already here", exact=True)).to_have_count(2)
    page.get_by_role("button", name="Create mosaic").click()
    expect(page).to_have_url(PAGE)
    expect(page.get_by_role("application")).to_be_visible(timeout=60_000)
