"""A real Chromium for tests, which also watches what no test should have to ask for.

Loaded like tests/plugin.py. At the end of each test that used `page`: nothing was requested from
another origin, the Content-Security-Policy was never violated, no script error was thrown.
"""

import json
import os
from collections.abc import Callable, Iterator
from threading import Event
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from scripts.chromium import find
from tests.stack import ADMIN, ROOT, Stack

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

PATIENCE = 20_000  # milliseconds, also of an expectation; a busy machine is no failure
AXE = ROOT / "frontend_vue" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
QUIET = ["--no-sandbox", "--disable-background-networking", "--disable-component-update"]
WATCH_POLICY = """window.violations = [];
document.addEventListener('securitypolicyviolation',
  (event) => window.violations.push(event.violatedDirective + ' ' + event.blockedURI))"""
# What ends may set off another one: a child's colour follows its parent's.
AT_REST = """async () => {
  const moving = () => document.getAnimations().filter(({ effect, playState }) =>
    playState === 'running' && effect.getComputedTiming().endTime !== Infinity)
  do {
    await Promise.allSettled(moving().map(({ finished }) => finished))
    await new Promise(requestAnimationFrame)
  } while (moving().length)
}"""


@pytest.fixture(scope="module")  # Playwright's loop must end before a test that uses the ORM
def chromium() -> "Iterator[Browser]":
    path = os.environ.get("CHROMIUM") or find()
    if path is None:
        why = os.environ.get("NO_CHROMIUM", "`python -m scripts.chromium` fetches one")
        pytest.skip(f"there is no Chromium: {why}")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: "Browser", stack: Stack, request: pytest.FixtureRequest) -> "Iterator[Page]":
    """A new visitor. `@pytest.mark.parametrize("page", [{...}], indirect=True)` sets options."""
    options: dict[str, Any] = getattr(request, "param", {})
    usual = {
        "viewport": {"width": 1280, "height": 860},
        "reduced_motion": "reduce",
        "locale": "en-GB",
    }
    context = chromium.new_context(base_url=stack.url, **(usual | options))
    context.add_init_script(WATCH_POLICY)
    context.set_default_timeout(PATIENCE)
    made = context.new_page()
    foreign: list[str] = []
    errors: list[str] = []
    own = urlsplit(stack.url).netloc
    made.on(
        "request",
        lambda sent: (
            foreign.append(sent.url)
            if urlsplit(sent.url).scheme in {"http", "https", "ws", "wss"}
            and urlsplit(sent.url).netloc != own
            else None
        ),
    )
    made.on("pageerror", lambda error: errors.append(str(error)))
    yield made
    violations = made.evaluate("window.violations || []")
    context.close()
    assert foreign == [], "the page asked another origin"
    assert violations == [], "the Content-Security-Policy was violated"
    assert errors == [], "a script failed"


@pytest.fixture
def signed_in(page: "Page") -> "Page":
    """A visitor who is signed in as the superuser, on the first page."""
    answer = page.request.post("/api/v1/auth/login/", data=ADMIN)
    assert answer.ok
    page.goto("/")
    return page


def route_until_set(page: "Page", pattern: str, refuse: "Callable[[Route], None]") -> Event:
    """Refuse each request that matches until the event is set, and let those after it pass.

    The route itself stays: to take one back while a request is on it may leave that one hanging.
    """
    is_back = Event()
    page.route(pattern, lambda route: route.continue_() if is_back.is_set() else refuse(route))
    return is_back


def accessibility_problems(page: "Page") -> list[str]:
    """Return what axe-core finds on the page when what moves or fades has come to rest."""
    page.evaluate(AT_REST)
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate(f"axe.run(document, {{runOnly: {json.dumps(RULES)}}})")
    return [
        f"{violation['id']}: {node['html'][:120]}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]
