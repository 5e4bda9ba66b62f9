"""The process itself: one that is met over HTTP, beside those of a stack."""

import re
import shlex
import subprocess
from collections.abc import Iterator

import httpx
import pytest

from scripts.processes import free_port
from tests.fastapi.process import fastapi_beside
from tests.stack import ADMIN, ROOT, Api, Stack

pytestmark = [pytest.mark.slow, pytest.mark.matrix]
METRICS_PORT = free_port()
LONG = {"text": "Rivers. " * 12_000, "sentences": 20}


@pytest.fixture(scope="module")
def api(stack: Stack) -> Iterator[Api]:
    with stack.client(**ADMIN) as api:
        yield api


@pytest.fixture(scope="module")
def url(stack: Stack) -> Iterator[str]:
    with fastapi_beside(stack, FASTAPI_METRICS_PORT=str(METRICS_PORT)) as url:
        yield url


def test_calls_are_counted_on_a_port_of_their_own(api: Api, url: str) -> None:
    def count(status: int) -> float:
        text = httpx.get(f"http://127.0.0.1:{METRICS_PORT}/metrics").text
        line = rf'^http_request_duration_seconds_count{{method="POST",status="{status}"}} (\S+)'
        return sum(map(float, re.findall(line, text, re.M)))

    before = count(200), count(401)
    address, order = f"{url}/api/v1/fast/summaries/", {"text": "Rivers rise.", "sentences": 1}
    headers = {"Authorization": api.headers["Authorization"]}
    assert httpx.post(address, json=order, headers=headers).status_code == 200
    assert httpx.post(address, json=order).status_code == 401
    assert (count(200), count(401)) == (before[0] + 1, before[1] + 1)
    assert httpx.get(f"{url}/metrics").status_code == 404


def test_the_example_of_the_docs(api: Api, url: str) -> None:
    page = (ROOT / "docs" / "fastapi.md").read_text(encoding="utf-8")
    found = re.search(r"```sh\n(curl .*?)```", page, re.DOTALL)
    assert found
    token = api.headers["Authorization"].removeprefix("Token ")
    command = found[1].replace("http://127.0.0.1:8080", url).replace("$TOKEN", token)
    done = subprocess.run(shlex.split(command.replace("\\\n", " ")), capture_output=True, text=True)
    events = re.findall(r'"event":"(\w+)"', done.stdout)
    assert events == ["request", "statistics", "sentence", "result"], done.stdout + done.stderr


def test_page_that_is_signed_in_is_let_in(api: Api, url: str) -> None:
    """The cookies of Django's own sign-in, and its CSRF token."""
    with httpx.Client(base_url=str(api.base_url), timeout=30) as page:
        page.get("auth/session/")
        signed = page.post(
            "auth/login/", json=ADMIN, headers={"X-CSRFToken": page.cookies["csrftoken"]}
        )
        assert signed.status_code == 200, signed.text
        headers = {"X-CSRFToken": page.cookies["csrftoken"]}
        address = f"{url}/api/v1/fast/summaries/"
        order = {"text": "Rivers rise.", "sentences": 1}
        let_in = page.post(address, json=order, headers=headers)
        assert let_in.status_code == 200, let_in.text
        assert page.post(address, json=order).status_code == 403
        page.post("auth/logout/", headers=headers)
        assert page.post(address, json=order, headers=headers).status_code in {401, 403}


def test_client_that_hangs_up_cancels_its_summary(api: Api, url: str) -> None:
    headers = {"Authorization": api.headers["Authorization"]}
    address = f"{url}/api/v1/fast/summaries/"
    with httpx.stream("POST", address, json=LONG, headers=headers, timeout=30) as stream:
        first = next(stream.iter_lines())
    found = re.search(r'"id":"([^"]+)"', first)
    assert found
    assert api.wait("summaries", found[1])["status"] == "cancelled"
