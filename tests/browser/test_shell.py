"""The page around the features: signing in and out, deep links, looks, manners."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browsing import accessibility_problems
from tests.stack import ADMIN, Stack

pytestmark = pytest.mark.slow
LOOKS = [
    pytest.param({}, id="desktop"),
    pytest.param({"color_scheme": "dark"}, id="dark", marks=pytest.mark.matrix),
    pytest.param({"viewport": {"width": 390, "height": 844}}, id="390px"),
]


def sign_in(page: Page, password: str = ADMIN["password"]) -> None:
    page.get_by_label("Email", exact=True).fill(ADMIN["email"])
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()


@pytest.mark.parametrize("page", LOOKS, indirect=True)
def test_sign_in_page_is_accessible_and_fits(page: Page) -> None:
    page.goto("/login")
    expect(page.get_by_role("heading", name=re.compile("Sign in"))).to_be_visible()
    assert accessibility_problems(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_deep_link_works_after_sign_in(page: Page) -> None:
    page.goto("/no/such/page?x=1")
    expect(page).to_have_url(re.compile(r"/login\?next="))
    sign_in(page)
    expect(page).to_have_url(re.compile(r"/no/such/page\?x=1$"))
    expect(page.get_by_role("heading", name="There is nothing at this address")).to_be_visible()
    assert accessibility_problems(page) == []


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example/", "/\\evil.example"])
def test_next_leads_nowhere_else(page: Page, stack: Stack, target: str) -> None:
    page.goto(f"/login?next={target}")
    sign_in(page)
    expect(page).not_to_have_url(re.compile("/login"))
    assert page.url.startswith(f"{stack.url}/")


def test_wrong_password_is_said_and_the_address_is_kept(page: Page) -> None:
    page.goto("/login")
    sign_in(page, "wrong")
    expect(page.get_by_role("alert")).to_contain_text("password is wrong")
    expect(page.get_by_label("Email", exact=True)).to_have_value(ADMIN["email"])
    assert accessibility_problems(page) == []


def test_sign_in_by_keyboard_alone(page: Page) -> None:
    page.goto("/login")
    page.get_by_label("Email", exact=True).focus()
    page.keyboard.type(ADMIN["email"])
    page.get_by_label("Password", exact=True).focus()
    page.keyboard.type(ADMIN["password"])
    page.keyboard.press("Enter")
    expect(page).not_to_have_url(re.compile("/login"))


def test_sign_out_ends_the_session(signed_in: Page) -> None:
    page = signed_in
    page.get_by_role("button", name=re.compile("account", re.IGNORECASE)).click()
    page.get_by_role("menuitem", name="Sign out").click()
    expect(page).to_have_url(re.compile("/login"))
    assert page.request.get("/api/v1/auth/user/").status == 401
    page.goto("/")
    expect(page).to_have_url(re.compile("/login"))


def test_session_that_ended_elsewhere_leads_to_sign_in_and_back(signed_in: Page) -> None:
    page = signed_in
    page.wait_for_load_state("networkidle")
    here = page.url
    page.context.clear_cookies(name="sessionid")
    page.reload()
    expect(page).to_have_url(re.compile("/login"))
    sign_in(page)
    expect(page).to_have_url(here)


def test_nothing_of_value_is_kept_where_scripts_can_read_it(signed_in: Page) -> None:
    signed_in.wait_for_load_state("networkidle")
    kept = signed_in.evaluate("JSON.stringify([localStorage, sessionStorage]) + document.cookie")
    assert "sessionid" not in kept
    assert not re.search(r"[0-9a-f]{40}", kept), "a token"


def test_theme_is_remembered(page: Page) -> None:
    page.goto("/login")
    page.get_by_role("button", name=re.compile("dark|theme", re.IGNORECASE)).click()
    expect(page.locator("html")).to_have_class(re.compile("dark"))
    page.reload()
    expect(page.locator("html")).to_have_class(re.compile("dark"))
