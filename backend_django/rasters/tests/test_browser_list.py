"""The list of requests as a tool: find some among many, select them, act on them at once."""

import re
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browsing import accessibility_problems
from tests.stack import ADMIN, Stack, wait_for

pytestmark = pytest.mark.slow
LOOKS = [
    pytest.param({}, id="desktop"),
    pytest.param({"color_scheme": "dark"}, id="dark", marks=pytest.mark.matrix),
    pytest.param({"viewport": {"width": 390, "height": 844}}, id="390px", marks=pytest.mark.matrix),
]
EMPTY = """
from backend_django.processing.models import ProcessingRequest
ProcessingRequest.objects.filter(owner__email=%(email)r).delete()
"""
FILL = (
    EMPTY
    + """
from datetime import timedelta
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone
from backend_django.processing.models import ProcessingResult
from backend_django.users.models import User
owner = User.objects.get(email=%(email)r)
for number in range(30):
    status = ("failed", "cancelled", "completed")[number %% 3]
    name = f"{('dunes', 'forest')[number %% 2]}-{number:02}.tif"
    row = ProcessingRequest.objects.create(
        owner=owner, kind="rasters", name=name, input_name=name, input_size=1000, status=status,
        finished_at=timezone.now(), attempt=1,
        error_code="no_crs" if status == "failed" else "",
        error_message="The file has no coordinate reference system." if status == "failed" else "")
    ProcessingRequest.objects.filter(id=row.id).update(
        created_at=timezone.now() - timedelta(days=number))
    if status == "completed":
        key = default_storage.save(f"requests/{row.id}/1/cog", ContentFile(name.encode()))
        file = {"name": key, "filename": name, "size": len(name), "content_type": "image/tiff",
                "sha256": "x"}
        ProcessingResult.objects.create(request=row, attempt=1, data={}, files={"cog": file})
"""
)


@pytest.fixture
def listed(signed_in: Page, stack: Stack) -> Iterator[Page]:
    """The page with thirty requests, ten of each of three statuses."""
    stack.stop("worker")  # what is started again is to wait
    stack.manage("shell", "-v0", "-c", FILL % ADMIN)
    signed_in.goto("/rasters")
    expect(signed_in.get_by_role("link", name="dunes-00.tif")).to_be_visible()
    yield signed_in
    stack.manage("shell", "-v0", "-c", EMPTY % ADMIN)
    stack.start("worker")


def names(page: Page) -> list[str]:
    return page.get_by_role("link", name=re.compile(r"\.tif$")).all_inner_texts()


@pytest.mark.matrix
@pytest.mark.parametrize("page", LOOKS, indirect=True)
def test_find_select_and_act(listed: Page, stack: Stack, tmp_path: Path) -> None:
    page = listed
    assert accessibility_problems(page) == []
    filters = page.get_by_role("navigation", name="Filter by status")
    expect(filters.get_by_role("link", name="All 30")).to_be_visible()
    expect(filters.get_by_role("link", name="Failed 10")).to_be_visible()

    page.get_by_role("searchbox", name="Search rasters by name").fill("dunes")
    expect(page).to_have_url(re.compile(r"[?&]search=dunes"))
    expect(filters.get_by_role("link", name="All 15")).to_be_visible()
    filters.get_by_role("link", name="Failed 5").click()
    expect(page).to_have_url(re.compile(r"status=failed"))
    page.get_by_label("Sort by").select_option("name")
    expect(page).to_have_url(re.compile(r"ordering=name"))
    wanted = ["dunes-00.tif", "dunes-06.tif", "dunes-12.tif", "dunes-18.tif", "dunes-24.tif"]
    expect(page.get_by_role("link", name=re.compile(r"\.tif$"))).to_have_text(wanted)
    page.reload()
    expect(page.get_by_role("link", name=re.compile(r"\.tif$"))).to_have_text(wanted)
    expect(page.get_by_role("searchbox", name="Search rasters by name")).to_have_value("dunes")

    page.get_by_role("checkbox", name="Select dunes-06.tif").check()
    page.get_by_role("checkbox", name="Select dunes-18.tif").click(modifiers=["Shift"])
    bar = page.get_by_role("region", name="Selected rasters")
    expect(bar.get_by_role("status")).to_have_text("3 rasters selected")
    expect(page.get_by_role("checkbox", name="Select dunes-12.tif")).to_be_checked()
    expect(bar.get_by_role("button", name="Cancel")).to_have_count(0)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    # So high that neither bar covers half of a link, which would be too small for axe.
    width = page.evaluate("innerWidth")
    page.set_viewport_size({"width": width, "height": 3000})
    assert accessibility_problems(page) == []
    bar.get_by_role("button", name="Retry").click()
    expect(page.get_by_text("3 rasters started again.")).to_be_visible()
    expect(filters.get_by_role("link", name="Failed 2")).to_be_visible()
    expect(filters.get_by_role("link", name="Waiting 3")).to_be_visible()

    page.goto("/rasters?status=completed")
    page.get_by_role("checkbox", name="Select this page").check()
    with page.expect_download() as started:
        page.get_by_role("button", name="Download").click()
    started.value.save_as(tmp_path / "all.zip")
    with ZipFile(tmp_path / "all.zip") as archive:
        assert len(archive.namelist()) == 10
        assert archive.read("dunes-02.tif") == b"dunes-02.tif"

    page.goto("/rasters")
    page.get_by_role("checkbox", name="Select this page").check()
    page.get_by_role("button", name="Select all 30").click()
    expect(page.get_by_role("checkbox", name="Select this page")).to_be_focused()
    bar.get_by_role("button", name="Delete").click()
    dialog = page.get_by_role("dialog", name="Delete 30 rasters?")
    assert accessibility_problems(page) == []
    dialog.get_by_role("button", name="Delete 30 rasters").click()
    expect(page.get_by_text("30 rasters deleted.")).to_be_visible()
    expect(page.get_by_text("No raster yet")).to_be_visible()
    assert list((stack.media / "requests").glob("*/1/cog")) == []


@pytest.mark.matrix
def test_with_the_keyboard_alone(listed: Page) -> None:
    page = listed
    page.get_by_role("checkbox", name="Select dunes-00.tif").focus()
    page.keyboard.press("Space")
    for _ in range(6):  # twice the row's link, its menu, then the next row
        page.keyboard.press("Tab")
    page.keyboard.press("Shift+Space")
    expect(page.get_by_text("3 rasters selected")).to_be_visible()
    page.get_by_role("button", name="Clear the selection").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("3 rasters selected")).to_have_count(0)
    expect(page.get_by_role("checkbox", name="Select this page")).to_be_focused()


@pytest.mark.parametrize("page", LOOKS, indirect=True)
def test_a_deletion_is_undone_or_sent_when_the_page_is_left(listed: Page, stack: Stack) -> None:
    page = listed
    sent: list[str] = []
    page.on("request", lambda one: sent.extend([one.url] if "/delete/" in one.url else []))
    filters = page.get_by_role("navigation", name="Filter by status")
    toast = page.get_by_role("region", name="Notifications")
    page.get_by_role("checkbox", name="Select dunes-00.tif").check()
    page.get_by_role("checkbox", name="Select forest-01.tif").check()
    page.get_by_role("button", name="Delete").click()
    expect(toast.get_by_text("2 rasters deleted.")).to_be_visible()
    expect(page.get_by_role("link", name="dunes-00.tif")).to_have_count(0)
    expect(filters.get_by_role("link", name="All 28")).to_be_visible()
    expect(page.get_by_text("1–18 of 28")).to_be_visible()
    toast.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("link", name="dunes-00.tif")).to_be_visible()
    expect(filters.get_by_role("link", name="All 30")).to_be_visible()
    assert sent == []

    page.get_by_role("checkbox", name="Select dunes-00.tif").check()
    page.get_by_role("button", name="Delete").click()
    expect(toast.get_by_text("1 raster deleted.")).to_be_visible()
    assert accessibility_problems(page) == []
    page.goto("about:blank")
    wait_for(lambda: page.request.get("/api/v1/rasters/list/").json()["count"] == 29)


@pytest.mark.matrix
@pytest.mark.parametrize("page", LOOKS, indirect=True)
def test_a_row_has_a_menu(listed: Page) -> None:
    page = listed

    def choose(item: str) -> None:
        page.get_by_role("button", name="Actions for dunes-00.tif").click()
        page.get_by_role("menuitem", name=item).click()

    page.get_by_role("button", name="Actions for dunes-00.tif").click()
    expect(page.get_by_role("menuitem")).to_have_text(["Retry", "Rename", "Delete"])
    assert accessibility_problems(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("menuitem", name="Retry").click()
    expect(page.get_by_text("1 raster started again.")).to_be_visible()
    choose("Delete")
    page.get_by_role("button", name="Keep them").click()
    choose("Cancel")
    expect(page.get_by_text("1 raster cancelled.")).to_be_visible()
    choose("Delete")
    expect(page.get_by_text("1 raster deleted.")).to_be_visible()
    expect(page.get_by_role("link", name="dunes-00.tif")).to_have_count(0)
    expect(page.get_by_role("checkbox", name="Select this page")).to_be_focused()
    page.get_by_role("link", name="Mosaics").click()
    expect(page.get_by_role("heading", name="Mosaics", exact=True)).to_be_visible()


@pytest.mark.parametrize("page", LOOKS, indirect=True)
def test_single_keys_work_the_list(listed: Page) -> None:
    page = listed

    def press(*keys: str) -> None:
        for key in keys:
            page.keyboard.press(key)

    def row(name: str) -> Locator:
        return page.get_by_role("link", name=name)

    press("j", "j", "j", "k")
    expect(row("forest-01.tif")).to_be_focused()
    expect(row("forest-01.tif")).to_be_in_viewport()
    press("Delete")
    expect(page.get_by_text("1 raster deleted.")).to_be_visible()
    expect(row("forest-01.tif")).to_have_count(0)
    expect(row("dunes-02.tif")).to_be_focused()
    press("u")
    expect(row("forest-01.tif")).to_be_focused()
    press("x", "j", "j", "Shift+X")
    expect(page.get_by_text("3 rasters selected")).to_be_visible()
    page.get_by_role("button", name="Clear the selection").click()

    press("?")
    sheet = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(sheet).to_be_visible()
    press("j")
    assert accessibility_problems(page) == []
    press("Escape")
    expect(sheet).to_have_count(0)
    expect(page.get_by_role("checkbox", name="Select this page")).to_be_focused()

    press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("dunes-06?")
    press("Backspace")
    expect(page).to_have_url(re.compile("search=dunes-06$"))
    expect(row(".tif")).to_have_count(1)
    # Work that would be stopped is asked about first.
    page.get_by_role("checkbox", name="Select dunes-06.tif").check()
    page.get_by_role("button", name="Retry").click()
    expect(page.get_by_text("1 raster started again.")).to_be_visible()
    press("j", "Delete")
    page.get_by_role("button", name="Keep them").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    row("dunes-06.tif").focus()
    press("Enter")
    expect(page).to_have_url(re.compile(r"/rasters/[0-9a-f-]{36}"))


@pytest.mark.matrix
def test_days_narrow_the_list_and_back_widens_it(listed: Page) -> None:
    page = listed
    day = page.evaluate("new Date(Date.now() - 3 * 864e5).toLocaleDateString('sv')")
    page.get_by_label("From", exact=True).fill(day)
    expect(page).to_have_url(re.compile(f"from={day}"))
    expect(page.get_by_role("link", name=re.compile(r"\.tif$"))).to_have_count(4)
    page.get_by_label("To", exact=True).fill(day)
    expect(page.get_by_role("link", name=re.compile(r"\.tif$"))).to_have_text(["forest-03.tif"])
    # By keyboard, as the browser's own field is filled in.
    page.goto("/rasters")
    page.get_by_label("From", exact=True).focus()
    year, month, date = day.split("-")
    page.keyboard.type(f"{month}{date}{year}", delay=50)
    expect(page).to_have_url(re.compile(f"from={day}"))
    expect(page.get_by_role("link", name=re.compile(r"\.tif$"))).to_have_count(4)
    page.goto("/rasters?search=nothing")
    page.get_by_role("link", name="Clear filters").click()
    expect(page.get_by_role("link", name="dunes-00.tif")).to_be_visible()


@pytest.mark.matrix
def test_what_was_refused_is_said_and_the_rest_is_done(listed: Page) -> None:
    page = listed
    page.get_by_role("checkbox", name="Select this page").check()
    page.get_by_role("button", name="Retry").click()
    expect(page.get_by_text(re.compile(r"\d+ rasters started again\."))).to_be_visible()
    expect(
        page.get_by_text("Only a request that failed or was cancelled can be retried.")
    ).to_be_visible()


BATCH = """
from backend_django.processing.models import ProcessingRequest
rows = ProcessingRequest.objects.filter(owner__email=%(email)r, name__startswith="dunes")
rows.update(batch="0b0f4f2e-6f0e-4b5c-9d0f-5f6c0a3d9a51")
"""


@pytest.mark.matrix
@pytest.mark.parametrize("page", LOOKS, indirect=True)
def test_several_statuses_of_one_batch(listed: Page, stack: Stack) -> None:
    page = listed
    stack.manage("shell", "-v0", "-c", BATCH % ADMIN)
    page.goto("/rasters?batch=0b0f4f2e-6f0e-4b5c-9d0f-5f6c0a3d9a51")
    filters = page.get_by_role("navigation", name="Filter by status")
    expect(filters.get_by_role("link", name="All 15")).to_have_attribute("aria-current", "true")
    filters.get_by_role("link", name="Failed 5").click()
    filters.get_by_role("link", name="Cancelled 5").click()
    expect(page).to_have_url(re.compile(r"status=failed,cancelled"))
    expect(page.get_by_role("link", name=re.compile(r"\.tif$"))).to_have_count(10)
    assert accessibility_problems(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("link", name="One batch only").click()
    expect(page.get_by_text("of 20")).to_be_visible()
    filters.get_by_role("link", name="Failed 10").click()
    expect(filters.locator("[aria-current]")).to_have_text([re.compile("Cancelled 10")])
    filters.get_by_role("link", name="All 30").click()
    expect(page.get_by_text("of 30")).to_be_visible()
