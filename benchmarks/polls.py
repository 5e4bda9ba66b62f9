"""Status polls a second: ours, a bare DRF project's, and what Django itself can do."""

import json
import subprocess
import sys
import time

import httpx

from benchmarks.measure import QUICK, Answers, Section, ask, compare, rounds
from benchmarks.product import Product
from scripts.processes import free_port
from tests.stack import ROOT, wait_for

ROUNDS = 5
SECONDS = 0.5 if QUICK else 4.0
CLIENTS = 4
GUNICORN = [
    "gunicorn", "django.core.wsgi:get_wsgi_application()", "--worker-class", "gthread",
    "--threads", "8", "--keep-alive", "75", "--no-control-socket", "--log-level", "warning",
]  # fmt: skip


def measure(product: Product) -> Section:
    """Compare the polls of one completed request; its row and its answer are the same in both."""
    stack = product.stack
    product.worker(1)
    with stack.client() as api:
        request = api.create("wordcount", b"one two")
        state = api.wait("wordcount", request["id"])
        path = f"/api/v1/wordcount/status/{request['id']}/"
        etag = api.get(f"wordcount/status/{request['id']}/").headers["ETag"]
        mine = {"Authorization": api.headers["Authorization"]}
    stack.stop("worker")
    product.postgres.create_database("drf")
    port = free_port()
    environment = stack.environment | {
        "BENCH_DRF_DATABASE": product.postgres._url("drf"),
        "DJANGO_SETTINGS_MODULE": "benchmarks.drf.settings",
    }
    command = [sys.executable, "-m", "benchmarks.drf.manage"]
    token = subprocess.run(
        command, env=environment, cwd=ROOT, input=json.dumps(state),
        capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    theirs, bare = {"Authorization": f"Token {token}"}, f"http://127.0.0.1:{port}"
    stack.start_process("drf", [*GUNICORN, "--bind", f"127.0.0.1:{port}"], **environment)
    try:
        wait_for(lambda: _answers(f"{bare}/constant/"), what="the bare project answers")
        same = httpx.get(f"{bare}/status/{state['id']}/", headers=theirs).json()
        assert same == state, (same, state)

        def polls(url: str, path: str, headers: dict[str, str], expected: int = 200) -> float:
            def asked(seconds: float) -> Answers:
                return ask(
                    url, [path], headers, connections=CLIENTS, seconds=seconds, expected=expected
                )

            asked(SECONDS / 8)  # every thread has its connection to the database
            time.sleep(0.1)
            return asked(SECONDS).per_second

        unchanged = mine | {"If-None-Match": etag}
        found = rounds(
            ROUNDS,
            ours=lambda: polls(stack.url, path, mine),
            unchanged=lambda: polls(stack.url, path, unchanged, 304),
            drf=lambda: polls(bare, f"/status/{state['id']}/", theirs),
            django=lambda: polls(bare, "/constant/", {}),
        )
    finally:
        stack.stop("drf")
    drf, django = found["drf"], found["django"]
    named, plain = "a bare DRF view", "a plain Django view"
    return Section(
        "polls",
        [
            compare("status polls", found["ours"], named, drf, "/s", "≥ 1"),
            compare("status polls, unchanged (304)", found["unchanged"], named, drf, "/s", "≥ 1"),
            compare("status polls", found["ours"], plain, django, "/s"),
        ],
    )


def _answers(url: str) -> bool:
    try:
        return httpx.get(url).status_code == 200
    except httpx.TransportError:
        return False
