"""A large file from a person's browser: the connection is lost in the middle, and nothing twice."""

import os
import re
from pathlib import Path
from threading import Event
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Request, expect

from backend_django.rasters.processor import RasterProcessor
from tests.browsing import accessibility_problems, route_until_set

pytestmark = pytest.mark.slow
MB = 1024**2
PAGE = re.compile(r"/rasters/[0-9a-f-]{36}(\?|$)")


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A GeoTIFF of three parts; readers do not mind what stands behind its end."""
    assert RasterProcessor.sample
    path = tmp_path / "large.tif"
    path.write_bytes(RasterProcessor.sample.read_bytes())
    os.truncate(path, 20 * MB)
    return path


def parts_sent(page: Page) -> list[str]:
    """The numbers of the parts whose bytes leave from now on, in order."""
    sent: list[str] = []

    def note(request: Request) -> None:
        if request.method == "PUT":
            url = urlsplit(request.url)
            found = re.search(r"/parts/(\d+)/|partNumber=(\d+)", f"{url.path}?{url.query}")
            assert found, request.url
            sent.append(found[1] or found[2])

    page.on("request", note)
    return sent


def lose(page: Page, number: int) -> Event:
    """Reset each connection that brings this part, until the event is set."""
    return route_until_set(
        page, f"**/parts/{number}/", lambda route: route.abort("connectionreset")
    )


def test_goes_on_where_it_stopped(signed_in: Page, large: Path) -> None:
    page, sent = signed_in, parts_sent(signed_in)
    network_is_back = lose(page, 2)
    page.goto("/rasters")
    page.locator("input[type=file]").set_input_files(large)
    expect(page.get_by_text("The connection was lost")).to_be_visible(timeout=30_000)
    progress = page.get_by_role("progressbar", name="Uploading large.tif")
    assert int(progress.get_attribute("aria-valuenow") or 0) >= 30, "what arrived stays"
    assert accessibility_problems(page) == []
    network_is_back.set()
    page.evaluate("dispatchEvent(new Event('online'))")  # else the next try may be far away
    expect(page).to_have_url(PAGE, timeout=30_000)
    assert (sent.count("1"), sent.count("3")) == (1, 1)


def test_goes_on_after_a_reload(signed_in: Page, large: Path) -> None:
    page, sent = signed_in, parts_sent(signed_in)
    network_is_back = lose(page, 3)
    page.goto("/rasters")
    page.locator("input[type=file]").set_input_files(large)
    expect(page.get_by_text("The connection was lost")).to_be_visible(timeout=30_000)
    network_is_back.set()
    page.on("dialog", lambda dialog: dialog.accept())  # it asks before it is left
    page.reload()
    before = len(sent)
    page.locator("input[type=file]").set_input_files(large)
    expect(page).to_have_url(PAGE)
    assert sent[before:] == ["3"]
    assert "upload" not in page.evaluate("Object.keys(sessionStorage).join()")
