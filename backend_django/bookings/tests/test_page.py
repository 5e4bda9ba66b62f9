import re

import pytest
from playwright.sync_api import Page, expect

from tests.browsing import accessibility_problems
from tests.rows import PICTURE, TEXT

pytestmark = pytest.mark.slow
BOOKINGS = "/bookings"
INSTRUMENTS = "/bookings/instruments"


def save(page: Page) -> None:
    assert accessibility_problems(page) == []
    page.get_by_role("button", name="Save").click()
    expect(page).to_have_url(re.compile(r"/[0-9a-f-]{36}$"))
    expect(page.get_by_role("button", name="Delete")).to_be_visible()
    assert accessibility_problems(page) == []


def add_instrument(page: Page) -> None:
    page.goto(f"{INSTRUMENTS}/new")
    page.locator("[name=title]").fill("First lines")
    page.locator("[name=inventory]").fill("first")
    page.locator("[name=picture]").set_input_files(PICTURE)
    page.locator("[name=hourly_rate]").fill("12.50")
    page.locator("[name=precision]").fill("1.5")
    page.locator("[name=acquired]").fill("2026-03-01")
    page.locator("[name=website]").fill("https://example.org/first")
    page.locator("[name=contact]").fill("first@example.org")
    page.locator("[name=manual]").set_input_files(TEXT)
    page.locator("[name=specification]").fill('{"first": [1, 2]}')
    save(page)


def add_booking(page: Page) -> None:
    page.goto(f"{BOOKINGS}/new")
    page.locator("[name=purpose]").fill("First lines")
    page.locator("[name=instrument]").select_option(index=1)
    page.locator("[name=period_start]").fill("2026-03-01T08:00")
    page.locator("[name=period_end]").fill("2026-03-02T08:00")
    page.locator("[name=state]").select_option("requested")
    page.locator("[name=guests]").fill("1")
    page.locator("[name=reminder]").fill("2026-03-01T07:00")
    page.locator("[name=remarks]").fill("First lines.")
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
    delete_the_one_there_is(page, BOOKINGS)
    delete_the_one_there_is(page, INSTRUMENTS)
