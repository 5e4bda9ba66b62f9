"""The second step in a browser, from setting it up to the end of the account, and after Google."""

import re
from contextlib import closing

import httpx
import pytest

from tests.accounts.conftest import PASSWORD
from tests.accounts.google import Site, somebody
from tests.accounts.test_journey import check
from tests.mail_server import MailServer, link_in
from tests.stack import Stack

from .authenticator import code_of

pytestmark = pytest.mark.slow


def make_account(stack: Stack, mail_server: MailServer, email: str) -> httpx.Client:
    """Make an account with a confirmed address, and a script that has signed in to it."""
    script = httpx.Client(base_url=f"{stack.url}/api/v1/auth/")
    call(script, "registration", email=email, password1=PASSWORD, password2=PASSWORD)
    key = link_in(mail_server.wait(email)).removeprefix("/verify-email/")
    call(script, "registration/verify-email", key=key)
    token = call(script, "login", email=email, password=PASSWORD)["key"]
    script.cookies.clear()
    script.headers["Authorization"] = f"Token {token}"
    return script


def call(script: httpx.Client, path: str, **data: str) -> dict:
    answer = script.post(f"{path}/", json=data)
    assert answer.is_success, answer.text
    return answer.json()


@pytest.mark.parametrize("page", [{"viewport": {"width": 390, "height": 844}}], indirect=True)
def test_set_up_asked_for_and_asked_for_again(page, stack: Stack, mail_server: MailServer) -> None:
    from playwright.sync_api import expect

    email = "twostep@example.org"
    make_account(stack, mail_server, email).close()

    def sign_in() -> None:
        page.get_by_label("Email", exact=True).fill(email)
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.keyboard.press("Enter")

    # With the secret that the page shows.
    page.goto("/login?next=/account")
    sign_in()
    page.get_by_role("button", name="Set it up").click()
    shown = page.locator("code").filter(has_text=re.compile("^[A-Z2-7 ]{39}$"))
    secret = shown.inner_text().replace(" ", "")
    expect(page.get_by_alt_text("QR code")).to_have_js_property("complete", True)
    assert page.get_by_alt_text("QR code").evaluate("image => image.naturalWidth") > 0
    page.get_by_label("Your password", exact=True).fill(PASSWORD)
    check(page)
    page.get_by_label("Code that the app shows").fill(code_of(secret))  # good for seconds
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Keep your recovery codes")).to_be_focused()
    codes = page.get_by_role("list", name="Recovery codes").get_by_role("listitem")
    recovery = codes.all_inner_texts()
    assert len(recovery) == 10
    check(page)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert recovery[9] in download.value.path().read_text()
    page.get_by_role("button", name="I have kept them").click()
    expect(page.get_by_text("10 recovery codes are left")).to_be_visible()

    # Out, and in again with a code.
    page.get_by_label("Your account").click()
    page.get_by_role("menuitem", name="Sign out").click()
    sign_in()
    code = page.get_by_label("Code of your authenticator app")
    expect(code).to_be_focused()
    check(page)
    code.fill("000000")
    page.keyboard.press("Enter")
    expect(page.get_by_text("This code is not right")).to_be_visible()
    code.fill(code_of(secret))
    page.keyboard.press("Enter")
    expect(page.get_by_label("Your account")).to_be_visible()

    # The end: a wrong password keeps the code that was typed.
    page.goto("/account")
    page.get_by_role("button", name="Delete the account").click()
    page.get_by_label("Your password", exact=True).fill("not the password")
    page.get_by_label("Code of your authenticator app").fill(recovery[0])
    page.keyboard.press("Enter")
    expect(page.get_by_text("This is not your password")).to_be_visible()
    check(page)
    page.get_by_label("Your password", exact=True).fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_text("are deleted")).to_be_visible()


@pytest.mark.matrix
def test_it_is_asked_for_after_google_too(site: Site, mail_server: MailServer) -> None:
    email = "google-mfa@example.org"
    with closing(make_account(site.stack, mail_server, email)) as script:
        secret = call(script, "mfa/propose")["secret"]
        proof = {"code": code_of(secret), "password": PASSWORD}
        recovery = call(script, "mfa/activate", secret=secret, **proof)["recovery_codes"]
    site.google.person = somebody("google-mfa")

    def enter(browser: httpx.Client, code: str) -> str:
        form = {"code": code, "csrfmiddlewaretoken": browser.cookies["csrftoken"]}
        return browser.post("/accounts/2fa/authenticate/", data=form).headers["Location"]

    with site.browser() as browser:
        assert site.sign_in(browser, next="/files") == "/login/code"
        assert site.who(browser) is None
        assert browser.get("/api/v1/auth/user/").status_code == 401
        assert browser.get("/admin/").status_code == 302
        assert enter(browser, "000000") == "/login/code?why=wrong"
        assert site.who(browser) is None
        assert enter(browser, recovery[0]) == "/files"
        assert site.who(browser) == email
    with site.browser() as guesser:
        assert site.sign_in(guesser) == "/login/code"
        answers = [enter(guesser, f"{i:06}") for i in range(6)]
        assert answers[-1] == "/login/code?why=often"
        enter(guesser, code_of(secret))
        assert site.who(guesser) is None
