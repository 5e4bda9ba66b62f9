"""A day with the list by keyboard alone, and how soon each page answers a slow computer."""

import re
import sys
from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from pathlib import Path
from statistics import median

import pytest
from playwright.sync_api import Page, expect

from backend_django.rasters.processor import RasterProcessor
from tests.browsing import accessibility_problems
from tests.stack import Stack

from .pace import TRIES, Pace, slowed
from .test_browser_list import listed  # noqa: F401 (a fixture)

pytestmark = [pytest.mark.slow, pytest.mark.matrix]
SAMPLE = RasterProcessor.sample


def focused(page: Page) -> str:
    """Return what the focus is on; never on nothing."""
    what: str = page.evaluate(
        "document.activeElement.matches('body') ? '' :"
        " document.activeElement.ariaLabel ?? document.activeElement.textContent.trim()"
    )
    assert what, "the focus was lost"
    return what


def run_command(page: Page, text: str, found: str | None = None) -> None:
    """Type into the palette, and do what it finds first."""
    page.keyboard.press("Control+k")
    field = page.get_by_role("combobox", name="Find a page, an action or a request")
    expect(field).to_be_focused()
    page.keyboard.type(text)
    first = page.get_by_role("option", name=re.compile(found or text, re.IGNORECASE)).first
    expect(first).to_be_visible()
    expect(field).to_have_attribute("aria-activedescendant", first.get_attribute("id") or "")
    assert accessibility_problems(page) == []
    page.keyboard.press("Enter")


def test_a_day_by_keyboard_alone(listed: Page, tmp_path: Path) -> None:  # noqa: F811
    page, press = listed, listed.keyboard.press
    press("Tab")
    assert focused(page) == "Skip to the content"
    press("Enter")
    expect(page.locator("#content")).to_be_focused()

    assert SAMPLE
    files = [tmp_path / name for name in ("north.tif", "south.tif")]
    for file in files:
        file.write_bytes(SAMPLE.read_bytes())
    with page.expect_file_chooser() as chooser:
        run_command(page, "upload")
    chooser.value.set_files(files)
    expect(page.get_by_role("link", name="south.tif")).to_be_visible()

    press("j")
    assert focused(page) == "south.tif"
    press("j")
    press("x")
    press("j")
    press("j")
    press("Shift+x")
    bar = page.get_by_role("region", name="Selected rasters")
    expect(bar).to_contain_text("3 rasters selected")
    press("Delete")
    # One of them is still waiting, so that the bar asks.
    dialog = page.get_by_role("dialog", name="Delete 3 rasters?")
    expect(dialog).to_be_visible()
    press("Escape")
    expect(dialog).to_be_hidden()
    run_command(page, "cancel 3", "Cancel 3 rasters")
    expect(page.get_by_text("1 raster cancelled.")).to_be_visible()

    page.locator(".request-row a", has_text="dunes-02.tif").focus()
    press("x")
    press("j")
    press("Shift+x")
    press("Delete")
    expect(page.get_by_role("link", name="dunes-02.tif")).to_be_hidden()
    press("u")
    expect(page.get_by_role("link", name="dunes-02.tif")).to_be_visible()
    focused(page)

    run_command(page, "dunes-00")
    expect(page.get_by_role("heading", name="dunes-00.tif")).to_be_visible()
    run_command(page, "rename")
    expect(page.get_by_role("dialog", name="Rename")).to_be_visible()
    press("Control+a")
    page.keyboard.type("sand")
    press("Enter")
    expect(page.get_by_role("heading", name="sand")).to_be_visible()
    run_command(page, "delete")
    expect(page.get_by_role("dialog", name="Delete this raster?")).to_be_visible()
    assert focused(page) == "Keep it"
    press("Tab")
    press("Enter")
    expect(page).to_have_url(re.compile("/rasters$"))
    expect(page.get_by_role("link", name="forest-01.tif")).to_be_visible()

    run_command(page, "keyboard")
    sheet = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(sheet).to_be_visible()
    press("Escape")
    expect(sheet).to_be_hidden()
    run_command(page, "sign out")
    expect(page).to_have_url(re.compile("/login"))


@pytest.fixture
def slow(listed: Page) -> Iterator[Page]:  # noqa: F811
    """The list, in a browser whose processor is slower."""
    with slowed(listed):
        yield listed


@pytest.mark.timeout(400)
def test_every_page_answers_at_once(slow: Page, stack: Stack) -> None:
    page, press = slow, slow.keyboard.press
    pace = Pace(page)
    measure = pace.measure

    def key(*keys: str) -> Callable[[], object]:
        return lambda: [press(one) for one in keys]

    def typed(text: str) -> Callable[[], None]:
        return lambda: page.keyboard.type(text, delay=60)

    def click(role: str, name: str | re.Pattern[str]) -> Callable[[], None]:
        return lambda: page.get_by_role(role, name=name).first.click()  # type: ignore[arg-type]

    def at(url: str) -> None:
        page.goto(url)
        page.wait_for_load_state("networkidle")

    at("/rasters")
    measure("list: select the page", click("checkbox", "Select this page"))
    measure("list: move and select", key("j"), key("x"))
    measure("list: filter", click("link", re.compile("^Failed")), click("link", re.compile("^All")))
    search = page.get_by_role("searchbox", name="Search rasters by name")
    measure("list: search", search.click, typed("dunes"), lambda: search.fill(""))
    measure("list: columns", click("button", "Columns"), key("Escape"))
    measure("list: menu of a row", click("button", re.compile("^Actions for")), key("Escape"))
    measure("list: options", page.locator("summary").first.click)
    measure("palette: open, type, close", key("Control+k"), typed("dunes"), key("Escape"))
    measure("menu: open, close", click("button", "Your account"), key("Escape"))

    at("/rasters?status=failed")
    page.locator(".request-row a").first.click()
    expect(page.get_by_role("heading", name="Upload another file")).to_be_visible()
    page.wait_for_load_state("networkidle")
    measure("failed: rename", click("button", re.compile("^Rename")), key("Escape"))
    measure("failed: delete", click("button", "Delete"), key("Escape"))

    with stack.client() as api:
        assert SAMPLE
        number = api.create("rasters", SAMPLE.read_bytes(), "map.tif")["id"]
        stack.start("worker")
        assert api.wait("rasters", number)["status"] == "completed"
        stack.stop("worker")
    at(f"/rasters/{number}")
    expect(page.get_by_role("application")).to_be_visible()
    for tab in ("Measure", "Facts", "Use in", "Style"):
        measure(f"workbench: open {tab}", click("tab", tab))
    measure("workbench: measure", click("tab", "Measure"), click("button", "Distance"))
    measure("workbench: share", click("button", "Share"), key("Escape"))
    expect(page.get_by_role("dialog")).to_have_count(0)  # though a measurement is under way
    at("/mosaics")
    measure("mosaics: palette, open", key("Control+k"), key("Escape"))
    at("/account")
    measure("account: name", page.get_by_label("Name", exact=True).first.click, typed("Ada"))
    measure("account: token", page.get_by_label("Name of a new token").click, typed("night"))
    measure("account: delete", click("button", "Delete the account"), key("Escape"))
    at("/account")
    measure("account: menu", click("button", "Your account"), key("Escape"))
    page.get_by_role("button", name="Your account").click()
    page.get_by_role("menuitem", name="Sign out").click()
    expect(page).to_have_url(re.compile("/login"))
    measure("sign-in: type", page.get_by_label("Email").click, typed("ada"))
    measure("sign-in: theme", click("button", re.compile("theme")))

    assert all(time for what, time in pace.times.items() if "open" in what), "nothing was measured"
    pace.check()


DRAWN = """() => {
  window.drawn = []
  const draw = (now) => { window.drawn.push(now); requestAnimationFrame(draw) }
  requestAnimationFrame(draw)
}"""


def test_sixty_frames_a_second_while_the_map_is_dragged(signed_in: Page, stack: Stack) -> None:
    page = signed_in
    assert SAMPLE
    with stack.client() as api:
        number = api.create("rasters", SAMPLE.read_bytes(), "map.tif")["id"]
        assert api.wait("rasters", number)["status"] == "completed"
    page.goto(f"/rasters/{number}")
    expect(page.get_by_role("application")).to_be_visible()
    page.wait_for_load_state("networkidle")
    around = page.get_by_role("application").bounding_box()
    assert around
    x, y = around["x"] + around["width"] / 2, around["y"] + around["height"] / 2
    page.evaluate(DRAWN)
    usual = []
    for attempt in range(TRIES):  # other programs may delay some, but not all of them
        page.mouse.move(x, y)
        page.mouse.down()
        page.evaluate("window.drawn.length = 0")
        for step in range(60):
            page.mouse.move(x + (2, -2)[attempt % 2] * step, y)
        times = page.evaluate("window.drawn")
        page.mouse.up()
        usual.append(median(later - sooner for sooner, later in pairwise(times)))
        if usual[-1] < 1000 / 58:
            break
    say = partial(print, file=sys.stderr)
    say(f"\nmilliseconds a frame while dragging: {min(usual):.1f}")
    assert min(usual) < 1000 / 58, usual
