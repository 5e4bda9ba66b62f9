"""The second step in a browser, from setting it up to the end of the account, and after Google."""

import json
import re
from contextlib import closing

import httpx
import pytest
from playwright.sync_api import Browser, Page

from tests.accounts.conftest import PASSWORD
from tests.accounts.google import Site, somebody
from tests.accounts.test_journey import check
from tests.mail_server import MailServer, link_in
from tests.stack import Stack

from .authenticator import code_of
from .passkey import Passkey

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
def test_set_up_asked_for_and_asked_for_again(
    page: Page, stack: Stack, mail_server: MailServer
) -> None:
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


@pytest.mark.matrix
def test_passkey_added_then_used_alone_and_after_the_password(
    chromium: Browser, stack: Stack, mail_server: MailServer
) -> None:
    """With a device that Chromium plays; a passkey needs a name in the address."""
    from playwright.sync_api import expect

    email = "passkey@example.org"
    make_account(stack, mail_server, email).close()
    context = chromium.new_context(base_url=f"http://localhost:{stack.port}", locale="en-GB")
    context.set_default_timeout(20_000)
    page = context.new_page()
    device = context.new_cdp_session(page)
    device.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True,
               "hasUserVerification": True, "isUserVerified": True,
               "automaticPresenceSimulation": True}  # fmt: skip
    device.send("WebAuthn.addVirtualAuthenticator", {"options": options})

    def sign_out() -> None:
        page.get_by_label("Your account").click()
        page.get_by_role("menuitem", name="Sign out").click()
        expect(page.get_by_role("button", name="Sign in with a passkey")).to_be_visible()

    def sign_in() -> None:
        page.get_by_label("Email", exact=True).fill(email)
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.keyboard.press("Enter")

    page.goto("/login?next=/account")
    check(page)
    sign_in()
    page.get_by_role("button", name="Add a passkey …").click()
    page.get_by_label("Name", exact=True).last.fill("laptop")
    page.get_by_label("Your password", exact=True).fill(PASSWORD)
    check(page)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Keep your recovery codes")).to_be_visible()
    page.get_by_role("button", name="I have kept them").click()
    page.get_by_role("button", name="Rename laptop").click()
    page.get_by_role("dialog").get_by_label("Name").fill("Key ring")
    page.keyboard.press("Enter")
    expect(page.get_by_role("group", name="Passkeys").get_by_text("Never used")).to_be_visible()
    check(page)

    sign_out()
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_label("Your account")).to_be_visible()

    sign_out()
    page.goto("/login?next=/account")
    sign_in()
    check(page)
    page.get_by_role("button", name="Use a passkey").click()
    passkeys = page.get_by_role("group", name="Passkeys")
    expect(passkeys.get_by_text("Key ring")).to_be_visible()
    expect(passkeys.get_by_text("Last used")).to_be_visible()

    page.get_by_role("button", name="Remove Key ring").click()
    page.get_by_label("Your password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("button", name="Remove Key ring")).to_have_count(0)
    expect(page.get_by_text("It is off")).to_be_visible()
    context.close()


@pytest.mark.matrix
def test_a_passkey_will_do_after_google(site: Site, mail_server: MailServer) -> None:
    email, passkey = "google-passkey@example.org", Passkey(site.url)
    make_account(site.stack, mail_server, email).close()
    site.google.person = somebody("google-passkey")

    def post(browser: httpx.Client, path: str, **data: object) -> dict:
        headers = {"X-CSRFToken": browser.cookies.get("csrftoken") or ""}
        answer = browser.post(f"/api/v1/auth/{path}/", json=data, headers=headers)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else {}

    with site.browser() as browser:
        browser.get("/api/v1/auth/session/")
        post(browser, "login", email=email, password=PASSWORD, token=False)
        options = post(browser, "mfa/passkeys/propose", password=PASSWORD)["public_key"]
        post(browser, "mfa/passkeys", credential=passkey.create(options))

    def enter(browser: httpx.Client, shown: Passkey) -> str:
        options = post(browser, "mfa/passkeys/challenge")["public_key"]
        form = {"credential": json.dumps(shown.get(options))}
        form["csrfmiddlewaretoken"] = browser.cookies["csrftoken"]
        return browser.post("/accounts/2fa/authenticate/", data=form).headers["Location"]

    with site.browser() as browser:
        assert site.sign_in(browser, next="/files") == "/login/code"
        stranger = Passkey(site.url)
        stranger.user = passkey.user
        assert enter(browser, stranger) == "/login/code?why=passkey"
        assert site.who(browser) is None
        assert enter(browser, passkey) == "/files"
        assert site.who(browser) == email
