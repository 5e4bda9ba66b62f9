import re

import pytest
from playwright.sync_api import Page, expect

from tests.browsing import accessibility_problems
from tests.rows import PNG

pytestmark = pytest.mark.slow


def save(page: Page) -> None:
    assert accessibility_problems(page) == []
    page.get_by_role("button", name="Save").click()
    expect(page).to_have_url(re.compile(r"/[0-9a-f-]{36}$"))
    expect(page.get_by_role("button", name="Delete")).to_be_visible()
    assert accessibility_problems(page) == []


def add_instrument(page: Page) -> None:
    page.goto("/bookings/instruments/new")
    page.get_by_label("Title", exact=True).fill("First lines")
    page.get_by_label("Inventory number", exact=True).fill("first")
    page.get_by_label("Picture optional", exact=True).set_input_files(
        {"name": "picture.png", "mimeType": "image/png", "buffer": PNG}
    )
    page.get_by_label("Rate per hour", exact=True).fill("12.50")
    page.get_by_label("Precision optional", exact=True).fill("1.5")
    page.get_by_label("Acquired optional", exact=True).fill("2026-03-01")
    page.get_by_label("Website optional", exact=True).fill("https://example.org/first")
    page.get_by_label("Contact optional", exact=True).fill("first@example.org")
    page.get_by_label("Manual optional", exact=True).set_input_files(
        {"name": "manual.txt", "mimeType": "text/plain", "buffer": b"first"}
    )
    page.get_by_label("Specification optional", exact=True).fill('{"first": [1, 2]}')
    save(page)


def add_booking(page: Page) -> None:
    page.goto("/bookings/new")
    page.get_by_label("Purpose", exact=True).fill("First lines")
    page.get_by_label("Instrument", exact=True).select_option(index=1)
    page.get_by_label("From", exact=True).fill("2026-03-01T08:00")
    page.get_by_label("Until", exact=True).fill("2026-03-02T08:00")
    page.get_by_label("State", exact=True).select_option("requested")
    page.get_by_label("Guests", exact=True).fill("1")
    page.get_by_label("Reminder optional", exact=True).fill("2026-03-01T07:00")
    page.get_by_label("Remarks optional", exact=True).fill("First lines.")
    save(page)


def delete_the_one_there_is(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.get_by_role("table")).to_be_visible()
    assert accessibility_problems(page) == []
    page.get_by_role("table").get_by_role("row").nth(1).get_by_role("link").first.click()
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_text(re.compile(r"^No .* yet$"))).to_be_visible()
    assert accessibility_problems(page) == []


def test_bookings_are_added_changed_and_deleted(signed_in: Page) -> None:
    page = signed_in
    add_instrument(page)
    add_booking(page)
    page.get_by_role("link", name="Change", exact=True).click()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("button", name="Delete")).to_be_visible()
    delete_the_one_there_is(page, "/bookings")
    delete_the_one_there_is(page, "/bookings/instruments")
