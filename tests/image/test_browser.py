"""The page as people have it in production: TLS, cookies of this host alone, policy."""

import os
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, expect

from tests.browsing import WATCH_POLICY
from tests.image.deployment import PASSWORDS, Deployment
from tests.image.modules import additions
from tests.image.test_production import SAMPLES

pytestmark = [pytest.mark.image, pytest.mark.timeout(300)]


@pytest.mark.skipif(not SAMPLES, reason="no feature brings a sample")
def test_a_person_signs_in_and_uploads(
    chromium: Browser, deployment: Deployment, tmp_path: Path
) -> None:
    kind, sample = SAMPLES[0]
    large = tmp_path / sample.name
    large.write_bytes(sample.read_bytes())
    os.truncate(large, 40_000_000)  # so that it goes in chunks
    origin = f"https://localhost:{deployment.https_port}"
    with chromium.new_context(base_url=origin, ignore_https_errors=True) as context:
        context.add_init_script(WATCH_POLICY)
        page = context.new_page()
        puts: list[str] = []
        page.on(
            "request",
            lambda sent: puts.append(urlsplit(sent.url).path) if sent.method == "PUT" else None,
        )
        page.goto(f"/{kind}")
        page.get_by_label("Email", exact=True).fill("admin@example.org")
        page.get_by_label("Password", exact=True).fill(PASSWORDS["django_superuser_password"])
        page.get_by_role("button", name="Sign in", exact=True).click()
        names = {cookie["name"] for cookie in context.cookies()}
        page.locator("input[type=file]").set_input_files(large)
        expect(page).to_have_url(re.compile(rf"/{kind}/[0-9a-f-]{{36}}$"), timeout=60_000)
        request_id = page.url.rpartition("/")[2].partition("?")[0]
        names |= {cookie["name"] for cookie in context.cookies()}
        assert names == {"__Host-sessionid", "__Host-csrftoken", "__Host-device"}
        assert len(puts) == 3
        (first,) = {path.split("/")[1] for path in puts}
        assert first == (additions("PUT_TO") or ["api"])[0]
        with deployment.signed_in() as api:
            assert api.wait(kind, request_id, seconds=120)["status"] == "completed"
        expect(page.locator("main")).to_contain_text("Completed", timeout=20_000)
        assert page.evaluate("window.violations") == []
