"""What a person reads when the worker of their request dies, and when it is restarted."""

import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from backend_django.rasters.tests.factory import write
from tests.browsing import accessibility_problems
from tests.stack import Api, Stack

pytestmark = pytest.mark.slow


@pytest.mark.matrix
def test_lost_and_restarted_workers_are_told_in_words(
    signed_in: Page, stack: Stack, api: Api, tmp_path: Path
) -> None:
    page, source = signed_in, tmp_path / "noise.tif"
    noise = np.random.default_rng(1).integers(0, 60_000, (1, 6000, 6000), "uint16")
    write(source, noise)  # hard to compress: there must be time to stop the worker in the middle
    page.goto("/rasters")
    # As in production another worker keeps house: somebody has to notice that this one is gone.
    stack.start_process("housekeeper", [*stack.commands["worker"], "-Q", "maintenance", "-c", "1"])
    try:
        page.locator("input[type=file]").set_input_files(source)
        expect(page).to_have_url(re.compile(r"/rasters/[0-9a-f-]{36}(\?|$)"))
        request_id = page.url.rpartition("/")[2].partition("?")[0]
        api.wait("rasters", request_id, "processing")
        stack.kill("worker")
        # its lease has to run out first
        lost = page.get_by_text("The worker stopped responding; trying again (2 of 3)").first
        expect(lost).to_be_visible(timeout=30_000)
        assert accessibility_problems(page) == []

        stack.start_process("worker", stack.commands["worker"], PROCESSING_STOP_GRACE_SECONDS="0")
        api.wait("rasters", request_id, "processing")
        stack.stop("worker")
        expect(page.get_by_text("The worker was restarted; starting again").first).to_be_visible()
    finally:
        stack.stop("housekeeper")
        if "worker" not in stack.processes:
            stack.start("worker")

    expect(page.get_by_role("application")).to_be_visible(timeout=40_000)
    page.get_by_role("tab", name="Facts").click()
    expect(page.get_by_text("Valid Cloud-Optimized GeoTIFF")).to_be_visible()
    page.get_by_text("History of attempts").click()
    for outcome in ("The worker stopped responding", "The worker was restarted", "Completed"):
        attempt = page.get_by_role("listitem").filter(has_text=outcome)
        expect(attempt).to_be_visible(timeout=15_000)
