"""The process itself: one that is met over HTTP, beside those of a stack."""

import contextlib
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from scripts.processes import dies_with_parent, free_port
from tests.fastapi.process import fastapi_beside
from tests.stack import ADMIN, ROOT, Api, Stack, wait_for

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


# The process itself, with a summary that takes its time, and less patience at its end.
SLOW = """
import time
from backend_fastapi.app import api
from backend_fastapi import __main__ as main, summaries
from backend_fastapi.gate import INTERNAL

def summarise(text, sentences, quick=summaries.summarise):
    for part in quick(text, sentences):
        yield part
        time.sleep(0.3)

async def hang():
    time.sleep(60)

summaries.summarise, main.GRACEFUL_SECONDS = summarise, 1
api.add_api_route(INTERNAL + "hang", hang)
main.main()
"""


@contextlib.contextmanager
def slow_process(stack: Stack, *before: str, **environment: str) -> Iterator[Any]:
    """Run it; yield its URL and the process."""
    url = f"http://127.0.0.1:{(port := free_port())}"
    process = subprocess.Popen(
        [*before, sys.executable, "-c", SLOW],
        cwd=ROOT,
        env=stack.environment | {"FASTAPI_PORT": str(port), **environment},
        preexec_fn=dies_with_parent(),
    )

    def answers() -> bool:
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(f"{url}/health/live").status_code == 200
        return False

    try:
        wait_for(answers, seconds=60, what="FastAPI answers")
        yield url, process
    finally:
        process.terminate()
        process.wait(20)


def test_summary_is_given_back_when_the_process_is_told_to_stop(stack: Stack, api: Api) -> None:
    text = " ".join(f"{'a' * n} rivers." for n in range(3, 23))
    with (
        slow_process(stack) as (url, process),
        httpx.stream(
            "POST", f"{url}/api/v1/fast/summaries/", json={"text": text, "sentences": 20},
            headers={"Authorization": api.headers["Authorization"]}, timeout=30,
        ) as stream,
    ):  # fmt: skip
        lines = stream.iter_lines()  # which hangs up when it is collected
        begun = json.loads(next(lines))
        process.terminate()
        process.wait(20)
    query = "SELECT outcome FROM processing_processingattempt WHERE request_id = %s AND number = 1"
    with psycopg.connect(stack.environment["DATABASE_URL"]) as connection:
        assert connection.execute(query, [begun["id"]]).fetchone() == ("released",)


def test_event_loop_that_hangs_is_ended(stack: Stack, tmp_path: Path) -> None:
    watch = (sys.executable, str(ROOT / "docker" / "production" / "django" / "watch"), "3")
    with slow_process(stack, *watch, TMPDIR=str(tmp_path)) as (url, process):
        with contextlib.suppress(httpx.TransportError):
            httpx.get(f"{url}/internal/hang", timeout=1)
        assert process.wait(30) == 70


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
