"""Signing in with the page, where something else comes next."""

import pytest
from playwright.sync_api import Page

from tests.stack import ADMIN

pytestmark = pytest.mark.slow


def test_admin_is_reached_through_the_page(page: Page) -> None:
    from playwright.sync_api import expect

    page.goto("/admin/")
    page.get_by_label("Email", exact=True).fill(ADMIN["email"])
    page.get_by_label("Password", exact=True).fill(ADMIN["password"])
    page.keyboard.press("Enter")
    page.wait_for_url("**/admin/")
    expect(page.get_by_text("Site administration")).to_be_visible()
