"""A person's day with the mouse: many files, a network that fails, and what comes of them."""

import base64
import re
from pathlib import Path

import pytest
import rasterio
from affine import Affine
from playwright.sync_api import Page, expect

from tests.stack import ADMIN, Stack

from .factory import ORIGIN, UTM32, pixels
from .test_browser_list import EMPTY

pytestmark = [pytest.mark.slow, pytest.mark.matrix, pytest.mark.timeout(300)]
SIDE = 64  # pixels
DROP = """
(target, files) => {
  const dataTransfer = new DataTransfer()
  for (const [name, content] of files)
    dataTransfer.items.add(new File([Uint8Array.from(atob(content), (c) => c.charCodeAt(0))], name))
  target.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }))
}
"""


def scenes(folder: Path) -> list[Path]:
    """Write sixty files, three of which are no rasters; the others lie side by side."""
    files = [folder / f"scene-{number:02}.tif" for number in range(60)]
    for number, file in enumerate(files):
        if number in {7, 23, 41}:
            file.write_bytes(b"no raster")
            continue
        with rasterio.open(
            file, "w", driver="GTiff", width=SIDE, height=SIDE, count=1, dtype="uint8", crs=UTM32,
            transform=ORIGIN * Affine.translation(number * SIDE, 0),
        ) as dataset:  # fmt: skip
            dataset.write(pixels("uint8", 1, SIDE, SIDE))
    return files


def drop(page: Page, files: list[Path]) -> None:
    content = [[file.name, base64.b64encode(file.read_bytes()).decode()] for file in files]
    page.locator("body").evaluate(DROP, content)


def names_there(page: Page) -> list[str]:
    found = page.request.get("/api/v1/rasters/list/?page_size=100").json()["results"]
    return [request["name"] for request in found]


def test_a_day(signed_in: Page, stack: Stack, tmp_path: Path) -> None:
    page = signed_in
    stack.manage("shell", "-v0", "-c", EMPTY % ADMIN)
    stack.stop("worker")  # what is cancelled is to wait until then
    files = scenes(tmp_path)
    page.on("dialog", lambda dialog: dialog.accept())  # leaving the page while it sends asks first
    page.goto("/rasters")
    queue = page.get_by_role("region", name="Upload queue")
    filters = page.get_by_role("navigation", name="Filter by status")
    selection = page.get_by_role("region", name="Selected rasters")
    toasts = page.get_by_role("region", name="Notifications")

    drop(page, files)
    expect(queue.get_by_text(re.compile(r"^([1-9]|[1-4]\d) of 60 files"))).to_be_visible()
    page.context.set_offline(True)
    expect(queue.get_by_text("The connection was lost")).to_be_visible()
    page.context.set_offline(False)
    expect(queue.get_by_text(re.compile(r"^[2-5]\d of 60 files"))).to_be_visible(timeout=60_000)
    page.reload()
    page.wait_for_load_state("networkidle")
    there = names_there(page)
    assert 20 <= len(there) < 60, "the tab was not reloaded in the middle"
    drop(page, [file for file in files if file.name not in there])
    expect(filters.get_by_role("link", name="Waiting 60")).to_be_visible(timeout=60_000)
    assert sorted(names_there(page)) == [file.name for file in files], "each once"

    page.get_by_role("checkbox", name=re.compile("^Select scene")).nth(0).check()
    tenth = page.get_by_role("checkbox", name=re.compile("^Select scene")).nth(9)
    tenth.click(modifiers=["Shift"])
    selection.get_by_role("button", name="Cancel").click()
    expect(toasts.get_by_text("10 rasters cancelled.")).to_be_visible()
    filters.get_by_role("link", name="Cancelled 10").click()
    page.get_by_role("checkbox", name="Select this page").check()
    selection.get_by_role("button", name="Retry").click()
    expect(toasts.get_by_text("10 rasters started again.")).to_be_visible()
    stack.start("worker")
    page.goto("/rasters")
    expect(filters.get_by_role("link", name="Completed 57")).to_be_visible(timeout=120_000)
    expect(filters.get_by_role("link", name="Failed 3")).to_be_visible()

    page.get_by_role("checkbox", name="Select this page").check()
    expect(selection.get_by_role("status")).to_have_text("20 rasters selected")
    selection.get_by_role("button", name="Delete").click()
    expect(filters.get_by_role("link", name="All 40")).to_be_visible()
    toasts.get_by_role("button", name="Undo").click()
    expect(filters.get_by_role("link", name="All 60")).to_be_visible()

    page.get_by_role("searchbox", name="Search rasters by name").fill("scene-0")
    filters.get_by_role("link", name="Completed 9").click()
    page.get_by_role("checkbox", name="Select this page").check()
    page.get_by_role("link", name="Create a mosaic").click()
    page.get_by_label("Name", exact=True).fill("The valley")
    page.get_by_role("button", name="Create mosaic").click()
    expect(page.get_by_role("application")).to_be_visible(timeout=90_000)

    shown = page.get_by_role("region", name="Appearance").get_by_role(
        "combobox", name=re.compile("^Show")
    )
    shown.select_option("hillshade")
    page.wait_for_url("**hillshade**")
    page.get_by_role("tab", name="Measure").click()
    page.get_by_role("button", name="Distance").click()
    around = page.get_by_role("application").bounding_box()
    assert around
    x, y = around["x"] + around["width"] / 2, around["y"] + around["height"] / 2
    page.mouse.click(x - 80, y)
    page.mouse.dblclick(x + 80, y)
    expect(
        page.get_by_role("tabpanel").get_by_text(re.compile(r"\d\s?k?m\b")).first
    ).to_be_visible()
    page.get_by_role("button", name="Share").click()
    dialog = page.get_by_role("dialog", name="Share this raster")
    dialog.get_by_role("button", name="Create link").click()
    link = dialog.get_by_label("The link", exact=True).input_value()

    visitor = page.context.browser.new_context(base_url=stack.url).new_page()  # type: ignore[union-attr]
    with visitor.expect_response(lambda answer: "/tiles/" in answer.url and answer.status == 200):
        visitor.goto(link)
    expect(visitor.get_by_role("heading", name="The valley")).to_be_visible()
    expect(visitor.get_by_role("combobox", name=re.compile("^Show"))).to_have_value("hillshade")
    visitor.context.close()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()  # though a measurement is under way
