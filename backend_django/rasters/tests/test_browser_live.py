"""Pages are told of changes by the server: nobody reloads, and hardly anything is asked."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.stack import Api, Stack, wait_for

from .factory import pixels, write

pytestmark = pytest.mark.slow


def send(api: Api, tmp_path: Path, name: str) -> dict[str, Any]:
    return api.create("rasters", write(tmp_path / name, pixels("uint8")).read_bytes(), name)


def test_a_list_follows_what_others_do(signed_in: Any, api: Api, tmp_path: Path) -> None:
    """Two tabs, of which one has the stream. No query of theirs would be asked again by itself."""
    page = signed_in
    streams: list[str] = []
    page.goto("about:blank")  # so that no request is the first page's
    with page.expect_request("**/events/"):
        page.goto("/rasters")
    second = page.context.new_page()
    second.on("request", lambda sent: streams.append(sent.url) if "/events/" in sent.url else None)
    second.goto("/rasters")
    made = send(api, tmp_path, "told.tif")
    for tab in (page, second):
        row = tab.locator("main").get_by_role("listitem").filter(has_text="told.tif")
        expect(row.get_by_text("Completed")).to_be_visible(timeout=40_000)
    assert streams == [], "each browser has one stream, however many tabs"
    assert api.delete(f"rasters/delete/{made['id']}/").is_success
    for tab in (page, second):
        expect(tab.locator("main").get_by_text("told.tif")).to_have_count(0, timeout=40_000)
    page.goto("about:blank")
    wait_for(lambda: second.wait_for_timeout(100) or streams, what="the other one takes over")
    send(api, tmp_path, "after.tif")
    row = second.locator("main").get_by_role("listitem").filter(has_text="after.tif")
    expect(row.get_by_text("Completed")).to_be_visible(timeout=40_000)
    second.close()


@pytest.mark.matrix
def test_a_proxy_that_holds_events_back_is_noticed(
    signed_in: Any, api: Api, stack: Stack, tmp_path: Path
) -> None:
    """The page asks, as if there were no stream, and tries again for one."""
    page = signed_in
    streams: list[str] = []
    page.route("**/events/", lambda route: streams.append(route.request.url))  # no answer ever
    stack.stop("worker")
    try:
        made = send(api, tmp_path, "held.tif")
        page.goto(f"/rasters/{made['id']}")
        expect(page.get_by_role("heading", name="Waiting for a free worker")).to_be_visible()
    finally:
        stack.start("worker")
    expect(page.locator("main").get_by_text("Completed", exact=True).first).to_be_visible(
        timeout=40_000
    )
    wait_for(lambda: page.wait_for_timeout(200) or len(streams) > 1, seconds=20)
