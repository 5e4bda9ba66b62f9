"""The page in another language: all of it, and in no other."""

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, Request, expect

from tests.browsing import accessibility_problems
from tests.of_modules import of_modules
from tests.stack import ADMIN, ROOT

pytestmark = pytest.mark.slow
SOURCE = ROOT / "frontend_vue" / "src"
GERMAN = {"locale": "de-DE"}
LOOKS = [
    pytest.param(GERMAN, id="desktop"),
    pytest.param(
        GERMAN | {"color_scheme": "dark", "viewport": {"width": 390, "height": 844}},
        id="dark, 390px",
    ),
]
SIGNED_OUT = ["/login?why=ended", "/register", "/forgot", "/check-mail", "/reset/1/a-b"]
SIGNED_OUT += ["/verify-email/a:b:c"]
SIGNED_OUT += of_modules("SIGNED_OUT_PAGE")
SIGNED_IN = ["/", "/account", "/no/such/page", "/requests/" + "0" * 8]
SIGNED_IN += of_modules("SIGNED_IN_PAGE")

TEXTS = """() => {
  const shown = [document.title, document.body.innerText]
  for (const name of ['aria-label', 'title', 'placeholder', 'alt'])
    for (const element of document.querySelectorAll(`[${name}]`))
      shown.push(element.getAttribute(name))
  return shown.join('\\n').replaceAll(/\\s+/g, ' ')
}"""


def english_sentences() -> Iterator[str]:
    """Yield what English says in three words or more, and German says otherwise."""
    for file in SOURCE.rglob("locales/**/en.json"):
        german = file.with_name("de.json")
        if not german.exists():
            continue
        others = json.loads(german.read_text(encoding="utf-8"))
        for key, message in json.loads(file.read_text(encoding="utf-8")).items():
            for piece in re.split(r"\{[^}]*\}|\|", message):
                text = piece.strip()
                if len(text.split()) > 2 and text not in others[key]:
                    yield text


def check(page: Page) -> None:
    """Expect German, and only German, that fits and is accessible."""
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.locator("[aria-busy=true]")).to_have_count(0)
    assert page.evaluate("document.documentElement.lang") == "de"
    shown = page.evaluate(TEXTS)
    assert [text for text in english_sentences() if text in shown] == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert accessibility_problems(page) == []


@pytest.mark.matrix
@pytest.mark.parametrize("page", LOOKS, indirect=True)
def test_a_german_browser_gets_german_pages(page: Page) -> None:
    for address in SIGNED_OUT:
        page.goto(address)
        check(page)
    page.goto("/login")
    page.get_by_label("E-Mail").fill(ADMIN["email"])
    page.get_by_label("Passwort", exact=True).fill(ADMIN["password"])
    page.get_by_role("button", name="Anmelden", exact=True).click()
    expect(page).not_to_have_url(re.compile("/login"))
    for address in SIGNED_IN:
        page.goto(address)
        check(page)


def test_a_language_is_chosen_in_the_browser_and_by_the_account(page: Page) -> None:
    asked: list[str] = []
    messages: list[str] = []

    def note(sent: Request) -> None:
        # Streams and pictures send the browser's own.
        if "/api/" in sent.url and sent.resource_type == "fetch":
            asked.append(sent.headers.get("accept-language", ""))
        if "/messages-" in sent.url:
            messages.append(sent.url)

    page.on("request", note)
    page.goto("/login")
    expect(page.get_by_role("button", name="Sign in", exact=True)).to_be_visible()
    assert asked[0] == "en"
    assert len(messages) == 1, "another language was loaded, too"
    page.get_by_label("Language").select_option("Deutsch")
    expect(page.get_by_role("button", name="Anmelden", exact=True)).to_be_visible()
    expect(page).to_have_title(re.compile("^Anmelden"))

    page.reload()
    page.get_by_label("E-Mail").fill(ADMIN["email"])
    page.get_by_label("Passwort", exact=True).fill(ADMIN["password"])
    page.get_by_role("button", name="Anmelden", exact=True).click()
    expect(page.get_by_role("button", name="Ihr Konto")).to_be_visible()
    assert asked[-1] == "de"
    page.goto("/account")
    try:
        page.get_by_label("Sprache").select_option("English")
        expect(page.get_by_role("heading", name="Your account")).to_be_visible()
        page.evaluate("localStorage.clear()")
        page.goto("/account")
        expect(page.get_by_role("heading", name="Your account")).to_be_visible()
        page.get_by_label("Language").select_option("Deutsch")
        expect(page.get_by_role("heading", name="Ihr Konto")).to_be_visible()
        page.evaluate("localStorage.clear()")  # another browser, which wants English
        page.goto("/account")
        expect(page.get_by_role("heading", name="Ihr Konto")).to_be_visible()
    finally:
        page.get_by_role("combobox", name=re.compile("Sprache|Language")).select_option("")
        expect(page.get_by_role("heading", name="Your account")).to_be_visible()
