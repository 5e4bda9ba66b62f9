"""An owner says in the page what the file does not."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from backend_django.rasters.tests.factory import write
from tests.browsing import accessibility_problems
from tests.stack import Api

pytestmark = pytest.mark.slow


def test_names_and_colours_of_classes(signed_in: Page, api: Api, tmp_path: Path) -> None:
    values = np.zeros((1, 300, 420), np.uint8)
    values[:, :, 210:] = 1
    source = write(tmp_path / "landcover.tif", values)
    created = api.create("rasters", source.read_bytes(), source.name)
    api.wait("rasters", created["id"])
    page = signed_in
    page.goto(f"/rasters/{created['id']}")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.get_by_role("tab", name="Facts").click()
    page.get_by_role("button", name="Edit details").click()
    dialog = page.get_by_role("dialog", name="Edit details")
    dialog.get_by_label("Acquired").fill("2026-03-01T09:30:00")
    dialog.get_by_label("Name of class 1").fill("Reed")
    dialog.get_by_label("Colour of class 1").fill("#ff0000")
    assert accessibility_problems(page) == []
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).not_to_be_visible()
    expect(page.get_by_text("1 Mar 2026").first).to_be_visible()
    page.get_by_role("tab", name="Style").click()
    legend = page.get_by_role("table", name="Classes, with their share")
    expect(legend.get_by_role("row", name="Reed")).to_be_visible()
    expect(page.get_by_role("region", name="Legend").get_by_text("1 Reed")).to_be_visible()

    def tiles(version: str) -> Any:
        return [url for url in asked if "/tiles/" in url and f"v={version}" in url]

    for _ in range(100):
        if tiles("1001"):
            break
        page.wait_for_timeout(100)
    assert tiles("1001"), "the map did not ask for tiles in the new colours"
