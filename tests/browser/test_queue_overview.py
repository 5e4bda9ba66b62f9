"""The overview of the queues in the admin, as staff watch it."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browsing import accessibility_problems
from tests.matrix import matrix
from tests.stack import Api, Stack

pytestmark = pytest.mark.slow
URL = "/admin/queues/"
DARK = matrix({"color_scheme": "dark"})
PHONE = matrix({"viewport": {"width": 390, "height": 844}})


@pytest.mark.matrix
@pytest.mark.parametrize("page", [{}, DARK, PHONE], indirect=True, ids=["desktop", "dark", "phone"])
def test_overview_follows_what_happens(signed_in: Page, api: Api, stack: Stack) -> None:
    page = signed_in
    page.goto("/admin/")
    page.get_by_role("link", name="Queues").click()
    queue = page.get_by_role("region", name="processing", exact=True)
    worker = page.get_by_text(re.compile("1 worker: .+@"))
    expect(worker).to_have_count(2, timeout=30_000)  # the one there is takes from both queues
    row = queue.get_by_role("row").filter(has=page.get_by_role("rowheader", name="wordcount Word"))
    running, state = row.get_by_role("cell").nth(2), row.get_by_role("cell").nth(4)
    expect(running).to_have_text("0")
    assert accessibility_problems(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    # Nothing is loaded anew, and the focus stays where it is while what it is on changes.
    page.evaluate("window.stillTheSame = true")
    row.get_by_role("link", name="0").nth(1).focus()
    long = api.create("wordcount", b"SLEEP 600")
    expect(running).to_have_text("1")
    expect(row.get_by_role("link", name="1")).to_be_focused()
    api.post(f"wordcount/cancel/{long['id']}/")
    expect(running).to_have_text("0")
    assert page.evaluate("window.stillTheSame")

    page.get_by_role("button", name="Pause wordcount").click()
    expect(page.get_by_text("Kind wordcount paused.")).to_be_visible()
    expect(state).to_contain_text("Paused")
    waiting = api.create("wordcount", b"two words")
    expect(row.get_by_role("cell").nth(0)).to_have_text("1")
    assert accessibility_problems(page) == []
    page.get_by_role("button", name="Resume wordcount").click()
    expect(state).to_contain_text("Active")
    api.wait("wordcount", waiting["id"])

    # What it cannot know it says, and catches up by itself.
    page.context.set_offline(True)
    expect(page.get_by_role("status")).to_contain_text("The server does not respond.")
    assert accessibility_problems(page) == []
    page.context.set_offline(False)
    expect(page.get_by_role("status")).to_be_empty()
