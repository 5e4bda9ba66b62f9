"""Many files at once: a bad one stops nobody, and what belongs to a raster comes with it."""

import re
from pathlib import Path

import numpy as np
import pytest
import rasterio
from playwright.sync_api import Page, expect

from backend_django.rasters.tests.factory import pixels, write
from tests.browsing import accessibility_problems
from tests.stack import Api

pytestmark = pytest.mark.slow


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_a_bad_file_stops_no_other(signed_in: Page, api: Api, tmp_path: Path) -> None:
    files = [write(tmp_path / f"{name}.tif", pixels("uint8", 1)) for name in "abc"]
    bad = tmp_path / "notes.pdf"
    bad.write_bytes(b"%PDF-")
    # A raster that only its files say the place of.
    alone, world, projection = (tmp_path / f"bare.{end}" for end in ("tif", "tfw", "prj"))
    with rasterio.open(
        alone, "w", driver="GTiff", width=64, height=64, count=1, dtype="uint8"
    ) as dataset:
        dataset.write(np.arange(4096, dtype="uint8").reshape(1, 64, 64))
    world.write_text("10\n0\n0\n-10\n500005\n5199995\n")
    projection.write_text(rasterio.crs.CRS.from_epsg(32632).to_wkt(version="WKT1_ESRI"))
    page = signed_in
    page.goto("/rasters")
    page.locator("input[type=file]").set_input_files([*files, bad, alone, world, projection])
    queue = page.get_by_role("region", name="Upload queue")
    expect(queue.get_by_text("This does not end in")).to_be_visible()
    done = queue.get_by_text("4 of 5 files uploaded, 1 failed")
    expect(done).to_be_visible(timeout=20_000)
    assert accessibility_problems(page) == []
    queue.get_by_role("button", name="Dismiss notes.pdf").click()
    expect(queue).not_to_be_visible()
    found = api.get("rasters/list/", params={"search": "bare"}).json()["results"]
    (request_id,) = [request["id"] for request in found]
    api.wait("rasters", request_id)
    result = api.get(f"rasters/results/{request_id}/").json()
    assert result["crs"]["epsg"] == 32632
    assert result["transform"] == [10, 0, 500000, 0, -10, 5200000]


def test_a_queue_can_be_paused_and_cancelled(signed_in: Page, tmp_path: Path) -> None:
    page = signed_in
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(5):
        write(folder / f"{number}.tif", pixels("uint8", 1))
    (folder / ".hidden").write_text("x")
    page.route("**/rasters/create/", lambda route: None)  # nobody responds
    page.goto("/rasters")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose a folder").click()
    chooser.value.set_files(folder)
    queue = page.get_by_role("region", name="Upload queue")
    expect(queue.get_by_text(re.compile("^0 of 5 files"))).to_be_visible()
    queue.get_by_role("button", name="Pause").click()
    expect(queue.get_by_text(re.compile("paused$"))).to_be_visible()
    expect(queue.get_by_role("listitem").get_by_text("Paused")).to_have_count(5)
    assert accessibility_problems(page) == []
    queue.get_by_role("button", name="Resume").click()
    expect(queue.get_by_text("Queued")).to_have_count(4)
    queue.get_by_role("button", name="Cancel all").click()
    expect(queue).not_to_be_visible()
