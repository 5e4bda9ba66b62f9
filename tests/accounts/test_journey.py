"""The whole life of an account in a browser, with mails that really arrive."""

from email.message import EmailMessage

import pytest
from playwright.sync_api import Page

from tests.browsing import accessibility_problems
from tests.mail_server import MailServer, link_in
from tests.stack import Stack, wait_for

from .conftest import NEW, PASSWORD

pytestmark = pytest.mark.slow
EMAIL = "journey@example.org"
THIRD = "yet another set of four words"


def check(page: Page) -> None:
    """Readable for everybody, in both themes, and no wider than the window."""
    for theme in ("dark", "light"):
        page.evaluate(f"document.documentElement.classList.toggle('dark', {int(theme == 'dark')})")
        assert accessibility_problems(page) == [], f"{page.url}, {theme}"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), page.url


def sign_in(page: Page, password: str) -> None:
    page.get_by_label("Email", exact=True).fill(EMAIL)
    page.get_by_label("Password", exact=True).fill(password)
    page.keyboard.press("Enter")


@pytest.mark.parametrize("page", [{"viewport": {"width": 390, "height": 844}}], indirect=True)
def test_account_from_its_making_to_its_end(
    page: Page, stack: Stack, mail_server: MailServer
) -> None:
    from playwright.sync_api import expect

    def mail_named(subject: str) -> EmailMessage:
        return wait_for(
            lambda: [mail for mail in mail_server.to(EMAIL) if mail["Subject"] == subject],
            what=f"the mail {subject!r}",
        )[0]

    def heading(text: str) -> None:
        expect(page.get_by_role("heading", name=text)).to_be_visible()
        check(page)

    # Register, confirm, sign in.
    page.goto("/login")
    page.get_by_role("link", name="Create account").click()
    heading("Create an account")
    page.get_by_label("Email", exact=True).fill(EMAIL)
    page.get_by_label("Password", exact=True).fill("password")
    page.keyboard.press("Enter")
    expect(page.get_by_text("This password is too common")).to_be_visible()
    expect(page.get_by_label("Password", exact=True)).to_be_focused()
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.keyboard.press("Enter")
    heading("Check your email")
    page.get_by_role("button", name="Send it again").click()
    expect(page.get_by_text("Sent again")).to_be_visible()
    page.goto(link_in(mail_server.wait(EMAIL, number=2)))
    heading("Confirm your email")
    page.keyboard.press("Enter")
    heading("Your email is confirmed")
    page.keyboard.press("Enter")
    sign_in(page, PASSWORD)

    # A token that a script can use.
    page.get_by_label("Your account").click()
    page.get_by_role("menuitem", name="Your account").click()
    expect(page.get_by_text("No tokens yet")).to_be_visible()
    heading("Your account")
    page.get_by_label("Name of a new token").fill("night job")
    page.keyboard.press("Enter")
    key = page.get_by_label("The token", exact=True).inner_text()
    check(page)
    answer = page.request.get(
        "/api/v1/auth/user/", headers={"Authorization": f"Token {key}", "Cookie": ""}
    )
    assert answer.json()["email"] == EMAIL
    page.get_by_role("button", name="I have it").click()

    # Out, and in again.
    page.get_by_label("Your account").click()
    page.get_by_role("menuitem", name="Sign out").click()
    sign_in(page, PASSWORD)
    expect(page.get_by_label("Your account")).to_be_visible()

    # Another password revokes the token.
    page.goto("/account")
    expect(page.get_by_text("Last used")).to_be_visible()
    page.get_by_label("Current password", exact=True).fill(PASSWORD)
    page.get_by_label("New password", exact=True).fill(NEW)
    page.keyboard.press("Enter")
    expect(page.get_by_text("No tokens yet")).to_be_visible()

    # Forgotten, and chosen anew: the session of this browser ends with the old one.
    page.goto("/forgot")
    heading("Forgot your password?")
    page.get_by_label("Email", exact=True).fill(EMAIL)
    page.keyboard.press("Enter")
    heading("Check your email")
    page.goto(link_in(mail_named("Choose a new password")))
    heading("Choose a new password")
    page.get_by_label("New password", exact=True).fill(THIRD)
    page.keyboard.press("Enter")
    heading("Your new password is set")
    page.keyboard.press("Enter")
    sign_in(page, THIRD)
    expect(page.get_by_label("Your account")).to_be_visible()

    # The end.
    page.goto("/account")
    page.get_by_role("button", name="Delete the account").click()
    page.get_by_label("Your password", exact=True).fill(NEW)
    page.keyboard.press("Enter")
    expect(page.get_by_text("This is not your password")).to_be_visible()
    check(page)
    page.get_by_label("Your password", exact=True).fill(THIRD)
    page.keyboard.press("Enter")
    expect(page.get_by_text("belonged to it are deleted")).to_be_visible()
    check(page)
    assert mail_named("Your account was deleted")
    sign_in(page, THIRD)
    expect(page.get_by_role("alert")).to_contain_text("password is wrong")
