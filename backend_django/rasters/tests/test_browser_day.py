"""A person's day: many files, a network that fails, and what comes of them.

The same steps with the mouse, with the keyboard alone and on a phone.
"""

import base64
import re
from pathlib import Path

import pytest
import rasterio
from affine import Affine
from playwright.sync_api import Locator, Page, expect

from tests.browsing import accessibility_problems
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


def names_there(page: Page) -> list[str]:
    found = page.request.get("/api/v1/rasters/list/?page_size=100").json()["results"]
    return [request["name"] for request in found]


class Mouse:
    """How a person does what the page offers."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def give(self, files: list[Path]) -> None:
        content = [[file.name, base64.b64encode(file.read_bytes()).decode()] for file in files]
        self.page.locator("body").evaluate(DROP, content)

    def press(self, target: Locator) -> None:
        target.click()

    def tick(self, box: Locator) -> None:
        self.press(box)
        expect(box).to_be_checked()

    def write(self, field: Locator, text: str) -> None:
        field.fill(text)

    def pick(self, choice: Locator, value: str) -> None:
        choice.select_option(value)

    def open_tab(self, name: str) -> None:
        self.press(self.page.get_by_role("tab", name=name))

    def select_ten(self) -> None:
        boxes = self.page.get_by_role("checkbox", name=re.compile("^Select scene"))
        boxes.nth(0).check()
        boxes.nth(9).click(modifiers=["Shift"])

    def delete(self) -> None:
        bar = self.page.get_by_role("region", name="Selected rasters")
        self.press(bar.get_by_role("button", name="Delete"))

    def undo(self) -> None:
        toasts = self.page.get_by_role("region", name="Notifications")
        self.press(toasts.get_by_role("button", name="Undo"))

    def draw(self) -> None:
        x, y = self.middle()
        self.page.mouse.click(x - 80, y)
        self.page.mouse.dblclick(x + 80, y)

    def middle(self) -> tuple[float, float]:
        around = self.page.get_by_role("application").bounding_box()
        assert around
        return around["x"] + around["width"] / 2, around["y"] + around["height"] / 2

    def leave(self, dialog: Locator) -> None:
        self.page.keyboard.press("Escape")
        expect(dialog).to_be_hidden()  # though a measurement is under way


class Keyboard(Mouse):
    """Goes to everything by Tab."""

    def go(self, target: Locator) -> None:
        expect(target).to_be_visible()
        for _ in range(250):
            if target.evaluate("element => element === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"Tab does not lead to {target}")

    def give(self, files: list[Path]) -> None:
        with self.page.expect_file_chooser() as chooser:
            # Inside: the browser is to know that a chooser is waited for before Enter comes.
            self.go(self.page.get_by_label(re.compile("^Choose a GeoTIFF")))
            self.page.keyboard.press("Enter")
        chooser.value.set_files(files)

    def press(self, target: Locator) -> None:
        self.go(target)
        self.page.keyboard.press("Enter")

    def tick(self, box: Locator) -> None:
        self.go(box)
        self.page.keyboard.press("Space")
        expect(box).to_be_checked()

    def write(self, field: Locator, text: str) -> None:
        self.go(field)
        self.page.keyboard.type(text)

    def pick(self, choice: Locator, value: str) -> None:
        self.go(choice)
        for _ in range(choice.locator("option").count()):
            if choice.input_value() == value:
                return
            self.page.keyboard.press("ArrowDown")
        expect(choice).to_have_value(value)

    def open_tab(self, name: str) -> None:
        wanted = self.page.get_by_role("tab", name=name)
        self.go(self.page.get_by_role("tab", selected=True))
        for _ in range(4):
            if wanted.get_attribute("aria-selected") == "true":
                return
            self.page.keyboard.press("ArrowRight")
        expect(wanted).to_have_attribute("aria-selected", "true")

    def select_ten(self) -> None:
        self.page.keyboard.press("j")
        self.page.keyboard.press("x")
        for _ in range(9):
            self.page.keyboard.press("j")
        self.page.keyboard.press("Shift+x")

    def delete(self) -> None:
        self.page.keyboard.press("Delete")

    def undo(self) -> None:
        self.page.keyboard.press("u")

    def draw(self) -> None:
        expect(self.page.get_by_role("application")).to_be_focused()
        self.page.keyboard.press("Space")
        before = self.page.url
        self.page.keyboard.press("ArrowRight")
        self.page.wait_for_url(lambda url: url != before)  # it has come to rest
        self.page.keyboard.press("Space")
        self.page.keyboard.press("Enter")


class Thumb(Mouse):
    """Taps on a phone."""

    def give(self, files: list[Path]) -> None:
        with self.page.expect_file_chooser() as chooser:
            self.press(self.page.get_by_text("Choose files", exact=True))
        chooser.value.set_files(files)

    def press(self, target: Locator) -> None:
        target.tap()

    def select_ten(self) -> None:
        boxes = self.page.get_by_role("checkbox", name=re.compile("^Select scene"))
        for number in range(10):
            self.tick(boxes.nth(number))

    def draw(self) -> None:
        x, y = self.middle()
        self.page.touchscreen.tap(x - 80, y)
        self.page.wait_for_timeout(400)  # two quick taps are one double tap
        self.page.touchscreen.tap(x + 80, y)
        self.press(self.page.get_by_role("button", name="Done"))

    def leave(self, dialog: Locator) -> None:
        self.press(dialog.get_by_role("button", name="Close"))
        expect(dialog).to_be_hidden()


PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
HANDS = [
    pytest.param({}, Mouse, id="mouse"),
    pytest.param({}, Keyboard, id="keyboard"),
    pytest.param(PHONE, Thumb, id="phone"),
]


@pytest.mark.parametrize(("page", "hands"), HANDS, indirect=["page"])
def test_a_day(signed_in: Page, hands: type[Mouse], stack: Stack, tmp_path: Path) -> None:
    page, hand = signed_in, hands(signed_in)
    stack.manage("shell", "-v0", "-c", EMPTY % ADMIN)
    stack.stop("worker")  # what is cancelled is to wait until then
    files = scenes(tmp_path)
    page.on("dialog", lambda dialog: dialog.accept())  # leaving the page while it sends asks first
    page.goto("/rasters")
    page.wait_for_load_state("networkidle")  # it takes the focus once it is there
    queue = page.get_by_role("region", name="Upload queue")
    filters = page.get_by_role("navigation", name="Filter by status")
    selection = page.get_by_role("region", name="Selected rasters")
    toasts = page.get_by_role("region", name="Notifications")
    whole_page = page.get_by_role("checkbox", name="Select this page")
    rows = page.get_by_role("checkbox", name=re.compile("^Select scene"))

    hand.give(files)
    expect(queue.get_by_text(re.compile(r"^([1-9]|[1-4]\d) of 60 files"))).to_be_visible()
    page.context.set_offline(True)
    expect(queue.get_by_text("The connection was lost")).to_be_visible()
    page.context.set_offline(False)
    expect(queue.get_by_text(re.compile(r"^[2-5]\d of 60 files"))).to_be_visible(timeout=60_000)
    page.reload()
    page.wait_for_load_state("networkidle")
    there = names_there(page)
    assert 20 <= len(there) < 60, "the tab was not reloaded in the middle"
    hand.give([file for file in files if file.name not in there])
    expect(filters.get_by_role("link", name="Waiting 60")).to_be_visible(timeout=60_000)
    assert sorted(names_there(page)) == [file.name for file in files], "each once"

    hand.select_ten()
    expect(selection.get_by_role("status")).to_have_text("10 rasters selected")
    hand.press(selection.get_by_role("button", name="Cancel"))
    expect(toasts.get_by_text("10 rasters cancelled.")).to_be_visible()
    hand.press(filters.get_by_role("link", name="Cancelled 10"))
    expect(rows).to_have_count(10)
    hand.tick(whole_page)
    hand.press(selection.get_by_role("button", name="Retry"))
    expect(toasts.get_by_text("10 rasters started again.")).to_be_visible()
    stack.start("worker")
    page.goto("/rasters")
    expect(filters.get_by_role("link", name="Completed 57")).to_be_visible(timeout=120_000)
    expect(filters.get_by_role("link", name="Failed 3")).to_be_visible()

    hand.tick(whole_page)
    expect(selection.get_by_role("status")).to_have_text("20 rasters selected")
    hand.delete()
    expect(filters.get_by_role("link", name="All 40")).to_be_visible()
    hand.undo()
    expect(filters.get_by_role("link", name="All 60")).to_be_visible()

    hand.write(page.get_by_role("searchbox", name="Search rasters by name"), "scene-0")
    hand.press(filters.get_by_role("link", name="Completed 9"))
    expect(rows).to_have_count(9)  # what is selected before they come is of another list
    hand.tick(whole_page)
    hand.press(page.get_by_role("link", name="Create a mosaic"))
    hand.write(page.get_by_label("Name", exact=True), "The valley")
    hand.press(page.get_by_role("button", name="Create mosaic"))
    expect(page.get_by_role("application")).to_be_visible(timeout=90_000)

    appearance = page.get_by_role("region", name="Appearance")
    hand.pick(appearance.get_by_role("combobox", name=re.compile("^Show")), "hillshade")
    page.wait_for_url("**hillshade**")
    hand.open_tab("Measure")
    hand.press(page.get_by_role("button", name="Distance"))
    expect(page.get_by_role("button", name="Corner at the cross")).to_be_visible()
    hand.draw()
    measured = page.get_by_role("tabpanel").locator("dd")
    expect(measured).to_have_text(re.compile(r"^[1-9][\d.,]*\s?k?m$"))
    expect(page.get_by_role("button", name="Corner at the cross")).to_have_count(0)
    page.evaluate("scrollTo(0, 0)")  # else the head of the page covers half of a button
    assert accessibility_problems(page) == []
    hand.press(page.get_by_role("button", name="Share"))
    dialog = page.get_by_role("dialog", name="Share this raster")
    hand.press(dialog.get_by_role("button", name="Create link"))
    link = dialog.get_by_label("The link", exact=True).input_value()
    assert accessibility_problems(page) == []

    visitor = page.context.browser.new_context(base_url=stack.url).new_page()  # type: ignore[union-attr]
    with visitor.expect_response(lambda answer: "/tiles/" in answer.url and answer.status == 200):
        visitor.goto(link)
    expect(visitor.get_by_role("heading", name="The valley")).to_be_visible()
    expect(visitor.get_by_role("combobox", name=re.compile("^Show"))).to_have_value("hillshade")
    visitor.get_by_role("tab", name="Use in").click()
    address = visitor.get_by_role("textbox", name="Map layer (WMTS)").input_value()
    visitor.context.close()
    with rasterio.open(f"WMTS:{address}") as layer:  # by the library that QGIS asks as well
        assert layer.read(4, out_shape=(64, 64)).any()
    hand.leave(dialog)
