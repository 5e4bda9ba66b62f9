"""The main job as a person does it: sign in, upload, watch, map, download, delete."""

import re
import time
from pathlib import Path

import numpy as np
import pytest
import rasterio
from playwright.sync_api import Page, expect
from rio_cogeo.cogeo import cog_validate

from backend_django.rasters.processor import RasterProcessor
from tests.browsing import accessibility_problems
from tests.stack import ADMIN, Stack

pytestmark = pytest.mark.slow
SAMPLE = RasterProcessor.sample
LOOKS = [
    pytest.param({}, id="desktop"),
    pytest.param({"color_scheme": "dark"}, id="dark", marks=pytest.mark.matrix),
    pytest.param({"viewport": {"width": 390, "height": 844}}, id="390px", marks=pytest.mark.matrix),
]


@pytest.mark.parametrize("page", LOOKS, indirect=True)
def test_journey(page: Page, stack: Stack, tmp_path: Path) -> None:
    assert SAMPLE
    tiles: list[int] = []
    polls: list[str] = []
    page.on("response", lambda r: tiles.append(r.status) if "/tiles/" in r.url else None)
    page.on("request", lambda r: polls.append(r.url) if "/status/" in r.url else None)

    page.goto("/rasters")
    page.get_by_label("Email", exact=True).fill(ADMIN["email"])
    page.get_by_label("Password", exact=True).fill(ADMIN["password"])
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="Rasters", exact=True)).to_be_visible()
    assert accessibility_problems(page) == []

    page.locator("input[type=file]").set_input_files(SAMPLE)
    expect(page).to_have_url(re.compile(r"/rasters/[0-9a-f-]{36}(\?|$)"))
    request_id = page.url.rpartition("/")[2].partition("?")[0]
    assert accessibility_problems(page) == []

    expect(page.get_by_role("application")).to_be_visible(timeout=40_000)
    expect(page.locator("canvas").first).to_be_visible()
    for _ in range(100):
        if 200 in tiles:
            break
        page.wait_for_timeout(100)
    page.wait_for_load_state("networkidle")
    settled, polled = time.monotonic(), len(polls)
    assert 200 in tiles
    assert set(tiles) <= {200, 204}
    assert page.evaluate("document.documentElement.scrollHeight <= innerHeight")
    assert accessibility_problems(page) == []
    page.get_by_role("tab", name="Facts").click()
    expect(page.get_by_text("Valid Cloud-Optimized GeoTIFF")).to_be_visible()
    expect(page.get_by_text("EPSG:3057")).to_be_visible()
    assert accessibility_problems(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    with page.expect_download() as started:
        page.get_by_role("link", name=re.compile("Download")).click()
    assert started.value.suggested_filename.endswith(".tif")
    result = tmp_path / "result.tif"
    started.value.save_as(result)
    valid, errors, warnings = cog_validate(result, strict=True, quiet=True)
    assert (valid, errors, warnings) == (True, [], [])
    with rasterio.open(SAMPLE) as before, rasterio.open(result) as after:
        assert (before.read() == after.read()).all()

    # longer than the two seconds between polls
    page.wait_for_timeout(max(0, 3 - (time.monotonic() - settled)) * 1000)
    assert len(polls) == polled, "it goes on asking although nothing can change"

    page.get_by_role("button", name="Delete").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    assert accessibility_problems(page) == []
    dialog.get_by_role("button", name="Delete").click()
    expect(page).to_have_url(re.compile(r"/rasters$"))
    assert page.request.get(f"/api/v1/rasters/status/{request_id}/").status == 404
    assert not (stack.media / "requests" / request_id).exists()


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_file_without_coordinates_fails_with_a_sentence_that_helps(
    signed_in: Page, tmp_path: Path
) -> None:
    page, path = signed_in, tmp_path / "scan.tif"
    with rasterio.open(
        path, "w", driver="GTiff", width=64, height=64, count=1, dtype="uint8"
    ) as raster:
        raster.write(np.zeros((1, 64, 64), "uint8"))
    page.goto("/rasters")
    page.locator("input[type=file]").set_input_files(path)
    expect(page.get_by_text(re.compile("no coordinate reference system"))).to_be_visible(
        timeout=30_000
    )
    expect(page.get_by_text("Failed").first).to_be_visible()
    assert accessibility_problems(page) == []


def test_what_is_no_raster_is_refused_in_words(signed_in: Page, tmp_path: Path) -> None:
    page, path = signed_in, tmp_path / "notes.tif"
    path.write_text("these are my notes")
    page.goto("/rasters")
    page.locator("input[type=file]").set_input_files(path)
    expect(page.get_by_text(re.compile("GeoTIFF")).first).to_be_visible()
    expect(page.get_by_text("Failed").first).to_be_visible(timeout=30_000)


def test_deep_link_to_a_raster_that_is_gone(signed_in: Page) -> None:
    signed_in.goto("/rasters/00000000-0000-4000-8000-000000000000")
    expect(signed_in.get_by_role("heading", name="There is no such raster")).to_be_visible()
    assert accessibility_problems(signed_in) == []
