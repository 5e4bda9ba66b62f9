"""A pipeline in the page: its graph is seen, walked by keyboard and read out, and it is retried."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browsing import accessibility_problems
from tests.stack import Api, wait_for

pytestmark = pytest.mark.slow
LOOKS = [
    pytest.param({}, id="desktop"),
    pytest.param({"color_scheme": "dark"}, id="dark", marks=pytest.mark.matrix),
    pytest.param({"viewport": {"width": 390, "height": 844}}, id="390px", marks=pytest.mark.matrix),
]
KIND = "wordcount/digest"
TOO_SMALL = """boxes => boxes.filter((box) => {
  const shown = [...box.children].filter((child) => !child.classList.contains('sr-only'))
  const end = box.getBoundingClientRect().bottom - parseFloat(getComputedStyle(box).paddingBottom)
  return shown.at(-1).getBoundingClientRect().bottom > end + 1
}).map((box) => box.innerText)"""


@pytest.fixture
def flag(tmp_path: Path) -> Path:
    """A file that two of the steps wait for in vain."""
    return tmp_path / "flag"


@pytest.fixture
def failed(api: Api, flag: Path) -> str:
    """A pipeline with a fan-out of 25, of which two steps fail."""
    lines = [f"NEED {flag}" if number in {3, 21} else "two words" for number in range(25)]
    made = api.create(KIND, "\n".join(lines).encode(), "coast.txt")
    assert api.wait(KIND, made["id"])["status"] == "failed"
    return str(made["id"])


@pytest.fixture
def running(api: Api) -> Iterator[str]:
    """A pipeline that is half done, and stays so."""
    made = api.create(KIND, b"one word\nSLEEP 600", "long.txt")

    def is_half_done() -> bool:
        stages = api.get(f"requests/stages/{made['id']}/").json()["stages"]
        return any(s["counts"] == {"completed": 1, "processing": 1} for s in stages)

    wait_for(is_half_done, what="the step after the first runs")
    yield str(made["id"])
    api.post(f"{KIND}/cancel/{made['id']}/")


def entries(page: Page) -> Locator:
    return page.get_by_role("list", name="Steps in their order").get_by_role("listitem")


def assert_fits(page: Page) -> None:
    """Nothing is wider than the window, and no box of the graph is too small for its text."""
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert entries(page).evaluate_all(TOO_SMALL) == []


@pytest.mark.matrix
@pytest.mark.parametrize("page", LOOKS, indirect=True)
def test_failed_pipeline_by_keyboard_up_to_its_retry(
    signed_in: Page, api: Api, failed: str, flag: Path
) -> None:
    page = signed_in
    page.goto(f"/requests/{failed}")
    expect(entries(page)).to_have_text(
        [
            re.compile("Lines.*Completed", re.DOTALL),
            re.compile("Word count.*Failed.*2 failed, 23 completed.*After Lines", re.DOTALL),
            re.compile("Merge.*Not started.*After Word count", re.DOTALL),
        ]
    )
    expect(page.get_by_text("Retry continues from the failed step.")).to_be_visible()
    assert accessibility_problems(page) == []
    assert_fits(page)

    # Tab walks what leads somewhere, in the order of the work.
    page.get_by_role("button", name="Retry").focus()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Lines", exact=True)).to_be_focused()
    page.keyboard.press("Tab")
    many = page.get_by_role("button", name="Word count, 25 steps")
    expect(many).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Word count 25 steps")).to_be_focused()
    expect(many).to_have_attribute("aria-expanded", "true")
    expect(page.get_by_text("Page 1 of 2")).to_be_visible()
    assert accessibility_problems(page) == []
    page.keyboard.press("Escape")
    expect(many).to_be_focused()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Failed 2").press("Enter")
    expect(page.get_by_role("link", name="Line 21")).to_be_visible()
    page.get_by_role("link", name="Line 3").press("Enter")

    # The step says what it belongs to, and offers nothing that the server refuses.
    expect(page.get_by_role("heading", name="Line 3")).to_be_visible()
    expect(page.get_by_text("This is a step of coast.txt.")).to_be_visible()
    for refused in ("Delete", "Retry"):
        expect(page.get_by_role("button", name=refused)).to_have_count(0)
    assert accessibility_problems(page) == []
    page.get_by_label("Breadcrumb").get_by_role("link", name="coast.txt").press("Enter")

    flag.touch()
    page.get_by_role("button", name="Retry").press("Enter")
    expect(entries(page).nth(2)).to_contain_text("Completed", timeout=30_000)
    expect(entries(page).nth(1)).to_contain_text("25 completed")
    expect(page.get_by_role("button", name="Delete")).to_be_visible()
    assert accessibility_problems(page) == []
    history = api.get(f"requests/history/{failed}/").json()
    assert [attempt["outcome"] for attempt in history] == ["failed", "completed"]


@pytest.mark.parametrize("page", LOOKS, indirect=True)
def test_running_pipeline_is_followed_and_cancelled(
    signed_in: Page, api: Api, running: str
) -> None:
    page = signed_in
    page.goto(f"/requests/{running}")
    expect(page.get_by_role("heading", name="Running its steps")).to_be_visible()
    expect(entries(page).nth(1)).to_contain_text("1 processing, 1 completed")
    assert accessibility_problems(page) == []
    assert_fits(page)
    page.get_by_role("button", name="Cancel").press("Enter")
    expect(page.get_by_role("heading", name="This was cancelled")).to_be_visible(timeout=30_000)
    expect(entries(page).nth(1)).to_contain_text("1 completed, 1 cancelled")
    assert accessibility_problems(page) == []


def test_graph_follows_the_stream_alone(signed_in: Page, api: Api, running: str) -> None:
    page = signed_in
    page.add_init_script("setInterval = () => 0")  # with which the page would ask by itself
    page.goto("about:blank")  # so that no response is the first page's
    with page.expect_response("**/events/"):
        page.goto(f"/requests/{running}")
    page.evaluate("window.stillTheSame = true")
    expect(entries(page).nth(1)).to_contain_text("1 processing, 1 completed")
    step = api.get(f"requests/steps/{running}/?status=processing").json()["results"][0]
    api.post("requests/cancel/", json={"ids": [step["request"]]})
    expect(entries(page).nth(1)).to_contain_text("1 completed, 1 cancelled", timeout=20_000)
    expect(page.get_by_role("button", name="Retry")).to_be_visible(timeout=20_000)
    assert page.evaluate("window.stillTheSame")


@pytest.mark.parametrize("page", LOOKS, indirect=True)
def test_request_of_which_only_the_id_is_known_has_a_page(
    signed_in: Page, api: Api, flag: Path
) -> None:
    page = signed_in
    page.goto("/requests/7b1e0e5c-5d1f-4a57-9f5c-0d9a6f2c8a11")
    expect(page.get_by_role("heading", name="There is no such request")).to_be_visible()
    made = api.create("wordcount", f"NEED {flag}".encode(), "coast.txt", day="2026-03-01")
    page.goto(f"/requests/{made['id']}")
    expect(page.get_by_text("It is not there yet. Try again.")).to_be_visible()
    expect(page.get_by_role("region", name="Inputs")).to_contain_text("coast.txt")
    assert accessibility_problems(page) == []
    flag.touch()
    page.get_by_role("button", name="Retry").click()
    result = page.get_by_role("region", name="Result")
    expect(result).to_contain_text(re.compile(r"Words\s*2\s*Attempt\s*2\s*Day\s*1 Mar 2026"))
    assert accessibility_problems(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    with page.expect_download() as started:
        result.get_by_role("link", name="word count.txt").click()
    assert started.value.path().read_text() == f"NEED\n{flag}\n"
