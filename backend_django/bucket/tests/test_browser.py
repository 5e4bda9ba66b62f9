"""A large file from a person's browser, straight into the bucket."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Route, expect

from backend_django.processing.registry import all_processors
from tests.stack import ADMIN, ROOT, Stack, migrated_database

from .server import Bucket

pytestmark = pytest.mark.slow


def with_page() -> tuple[str, Path]:
    """A kind of job that has a page, and a file for it."""
    pages = ROOT / "frontend_vue" / "src" / "features"
    for processor in all_processors():
        if processor.sample and (pages / processor.name).is_dir():
            return processor.name, processor.sample
    pytest.skip("no feature here has a page for uploads and a sample")


@pytest.fixture
def bucket_stack(tmp_path: Path) -> Iterator[tuple[Stack, Bucket]]:
    """The product with its files in a bucket, which lets in pages of this origin."""
    name = f"up_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    bucket = Bucket(tmp_path / "s3")
    stack = Stack(
        tmp_path / "stack", migrated_database(name),
        REDIS_URL=f"{os.environ['REDIS_URL'].rsplit('/', 1)[0]}/4", **bucket.environment,
    )  # fmt: skip
    try:
        bucket.start("--allow-origin", stack.url)
        stack.manage("setup")
        stack.start("web")
        yield stack, bucket
    finally:
        stack.stop()
        bucket.stop()


@pytest.mark.matrix
def test_straight_into_the_bucket(
    chromium: Browser, bucket_stack: tuple[Stack, Bucket], tmp_path: Path
) -> None:
    """The bucket goes away in the middle and comes back; our server never sees a byte."""
    stack, bucket = bucket_stack
    kind, sample = with_page()
    large = tmp_path / sample.name
    large.write_bytes(sample.read_bytes())
    os.truncate(large, 20 * 1024**2)  # readers do not mind what stands behind its end
    with chromium.new_context(base_url=stack.url) as context:
        page = context.new_page()
        assert page.request.post("/api/v1/auth/login/", data=ADMIN).ok
        hosts: set[str] = set()
        page.on(
            "request",
            lambda sent: hosts.add(urlsplit(sent.url).netloc) if sent.method == "PUT" else None,
        )

        def lose(route: Route) -> None:
            if not lost:
                lost.append(route.request.url)
                bucket.stop()
            route.continue_()

        lost: list[str] = []
        page.route("**/*partNumber=2*", lose)
        page.goto(f"/{kind}")
        page.locator("input[type=file]").set_input_files(large)
        # The first is said for a second; then our server, which is asked, says the other.
        words = re.compile("The connection was lost|The server is not ready")
        expect(page.get_by_text(words)).to_be_visible(timeout=20_000)
        bucket.start("--allow-origin", stack.url)
        expect(page).to_have_url(re.compile(rf"/{kind}/[0-9a-f-]{{36}}$"), timeout=60_000)
    assert hosts == {f"localhost:{bucket.port}"}
    stored = (bucket.directory / "data" / "files" / "instance" / "uploads").glob("*/upload")
    assert large.read_bytes() in [path.read_bytes() for path in stored]
