"""Ten thousand requests in the list, and the widest of screens."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from backend_django.rasters.processor import RasterProcessor
from tests.browsing import accessibility_problems
from tests.stack import ADMIN, Stack

from .pace import Pace, slowed
from .test_browser_list import EMPTY, listed  # noqa: F401 (a fixture)

pytestmark = [pytest.mark.slow, pytest.mark.matrix]
MANY = 10_000
FILL = (
    EMPTY
    + """
from datetime import timedelta
from django.utils import timezone
from backend_django.users.models import User
owner, now = User.objects.get(email=%(email)r), timezone.now()
rows = [
    ProcessingRequest(
        owner=owner, kind="rasters", name=f"{('dunes', 'forest')[number %% 2]}-{number:05}.tif",
        input_file="x", input_name="x.tif", input_size=1000, finished_at=now, attempt=1,
        status=("failed", "cancelled")[number %% 4 == 3], error_code="no_crs",
        error_message="The file has no coordinate reference system.")
    for number in range(%(many)d)
]
ProcessingRequest.objects.bulk_create(rows, batch_size=2000)
"""
)


@pytest.fixture
def many(signed_in: Page, stack: Stack) -> Iterator[Page]:
    stack.manage("shell", "-v0", "-c", FILL % (ADMIN | {"many": MANY}))
    yield signed_in
    stack.manage("shell", "-v0", "-c", EMPTY % ADMIN)


def check(page: Page) -> None:
    """Readable for everybody, and no wider than the window."""
    assert accessibility_problems(page) == [], page.url
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), page.url


@pytest.mark.timeout(400)
def test_ten_thousand_without_a_stutter(many: Page) -> None:
    page = many
    rows = page.get_by_role("link", name=re.compile(r"^(dunes|forest)-\d+\.tif$"))
    filters = page.get_by_role("navigation", name="Filter by status")
    search = page.get_by_role("searchbox", name="Search rasters by name")
    bar = page.get_by_role("region", name="Selected rasters")

    def leads(click: Callable[[], None], first: str) -> Callable[[], None]:
        """Do it, and wait for what the list then begins with."""

        def step() -> None:
            click()
            expect(rows.first).to_have_text(first)

        return step

    def link(name: str) -> Callable[[], None]:
        return lambda: filters.get_by_role("link", name=re.compile(f"^{name}")).click()

    def sort(key: str) -> Callable[[], None]:
        return lambda: page.get_by_label("Sort by").press(key)

    with slowed(page):
        page.goto("/rasters?ordering=name")
        expect(filters.get_by_role("link", name=re.compile("^All 10.000$"))).to_be_visible()
        expect(rows.first).to_have_text("dunes-00000.tif")
        pace = Pace(page)
        forth, back = (page.get_by_role("link", name=f"{way} page") for way in ("Next", "Previous"))
        pace.measure(
            "page",
            leads(forth.click, "dunes-00040.tif"),
            leads(back.click, "dunes-00000.tif"),
        )
        pace.measure(
            "filter",
            leads(link("Cancelled 2.500"), "forest-00003.tif"),
            leads(link("All 10.000"), "dunes-00000.tif"),
        )
        pace.measure(
            "search",
            leads(lambda: search.press_sequentially("forest-0999", delay=60), "forest-09991.tif"),
            leads(lambda: search.fill(""), "dunes-00000.tif"),
        )
        pace.measure(
            "sort",
            leads(sort("ArrowDown"), "forest-09999.tif"),
            leads(sort("ArrowUp"), "dunes-00000.tif"),
        )

        def all_of_them() -> None:
            page.get_by_role("button", name=re.compile("^Select all 10.000$")).click()
            expect(bar.get_by_role("status")).to_have_text(re.compile("^10.000 rasters selected$"))

        def none() -> None:
            bar.get_by_role("button", name="Clear the selection").click()
            expect(bar).to_have_count(0)

        pace.measure(
            "select all",
            page.get_by_role("checkbox", name="Select this page").check,
            all_of_them,
            none,
        )
        page.get_by_role("checkbox", name="Select this page").check()
        all_of_them()
        dialog = page.get_by_role("dialog", name=re.compile("^Delete 10.000 rasters"))
        pace.measure(
            "delete all: ask, keep",
            bar.get_by_role("button", name="Delete").click,
            dialog.get_by_role("button", name="Keep").click,
        )
        assert pace.times["sort"], "nothing was measured"
        pace.check()


@pytest.mark.parametrize(
    "page",
    [
        {"viewport": {"width": 3840, "height": 2160}, "color_scheme": scheme}
        for scheme in ("light", "dark")
    ],
    indirect=True,
)
def test_the_widest_of_screens(signed_in: Page, stack: Stack) -> None:
    page = signed_in
    assert RasterProcessor.sample
    with stack.client() as api:
        number = api.create("rasters", RasterProcessor.sample.read_bytes(), "wide.tif")["id"]
        assert api.wait("rasters", number)["status"] == "completed"
    page.goto("/rasters")
    expect(page.get_by_role("link", name="wide.tif").first).to_be_visible()
    check(page)
    page.goto(f"/rasters/{number}")
    expect(page.get_by_role("application")).to_be_visible()
    expect(page.locator(".map-busy")).to_have_count(0)
    check(page)
    for tab in ("Measure", "Facts", "Use in"):
        page.get_by_role("tab", name=tab).click()
        expect(page.get_by_role("tabpanel", name=tab).locator("*").first).to_be_visible()
        check(page)
    page.goto("/account")
    expect(page.get_by_role("heading", name="Delete")).to_be_visible()
    page.wait_for_load_state("networkidle")
    check(page)
