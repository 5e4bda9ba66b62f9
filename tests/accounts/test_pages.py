"""Signing in with the page, where more than a password is needed or something else comes next."""

import httpx
import pytest

from tests.browsing import accessibility_problems
from tests.mail_server import MailServer, link_in
from tests.stack import ADMIN, Stack

from .authenticator import code_of
from .conftest import PASSWORD

pytestmark = pytest.mark.slow


def make_secured(stack: Stack, mail_server: MailServer, email: str) -> tuple[str, str, list[str]]:
    """Make an account with two-step sign-in: its address, secret and recovery codes."""
    with httpx.Client(base_url=f"{stack.url}/api/v1/auth/") as script:

        def call(path: str, **data: str) -> httpx.Response:
            answer = script.post(f"{path}/", json=data)
            assert answer.is_success, answer.text
            return answer

        call("registration", email=email, password1=PASSWORD, password2=PASSWORD)
        key = link_in(mail_server.wait(email)).removeprefix("/verify-email/")
        call("registration/verify-email", key=key)
        token = call("login", email=email, password=PASSWORD).json()["key"]
        script.cookies.clear()
        script.headers["Authorization"] = f"Token {token}"
        secret = call("mfa/propose").json()["secret"]
        on = call("mfa/activate", secret=secret, code=code_of(secret), password=PASSWORD)
    return email, secret, on.json()["recovery_codes"]


@pytest.fixture
def secured(stack: Stack, mail_server: MailServer) -> tuple[str, str]:
    return make_secured(stack, mail_server, "twostep@example.org")[:2]


def test_page_asks_for_the_code_then_signs_in(page, secured: tuple[str, str]) -> None:
    from playwright.sync_api import expect

    page.goto("/login")
    page.get_by_label("E-mail").fill(secured[0])
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.keyboard.press("Enter")
    code = page.get_by_label("Code of your authenticator app")
    expect(code).to_be_focused()
    assert accessibility_problems(page) == []
    code.fill("000000")
    page.keyboard.press("Enter")
    expect(page.get_by_text("This code is not right")).to_be_visible()
    code.fill(code_of(secured[1]))
    page.keyboard.press("Enter")
    expect(page.get_by_label("Your account")).to_be_visible()


def test_admin_is_reached_through_the_page(page) -> None:
    from playwright.sync_api import expect

    page.goto("/admin/")
    page.get_by_label("E-mail").fill(ADMIN["email"])
    page.get_by_label("Password", exact=True).fill(ADMIN["password"])
    page.keyboard.press("Enter")
    page.wait_for_url("**/admin/")
    expect(page.get_by_text("Site administration")).to_be_visible()
