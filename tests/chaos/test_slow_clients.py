"""Attacks of slow clients in full size, while others call and an honest phone uploads."""

import os
import threading
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.server.conftest import Server
from tests.server.slow import SlowClients, multipart, send_slowly
from tests.server.test_slow_clients import OTHERS
from tests.stack import ROOT, Api, Stack

pytestmark = [pytest.mark.chaos, pytest.mark.slow, pytest.mark.timeout(900)]
# The rate of 50 MB in ten minutes; CHAOS_PHONE_SECONDS=600 sends all of them.
SECONDS = float(os.environ.get("CHAOS_PHONE_SECONDS", "45"))
RATE = 50_000_000 / 600
REPORT = ROOT / ".cache" / "chaos" / "slow-clients.md"


@pytest.fixture(scope="module")
def server(stack: Stack) -> Iterator[Server]:
    """The default limits and as many threads."""
    made = Server(stack, defaults=True)
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    yield made
    made.stop()


@pytest.mark.parametrize("addresses", [1, 100])
def test_500_slow_heads_and_200_slow_bodies(server: Server, api: Api, addresses: int) -> None:
    body, content_type = multipart(bytes(int(RATE * SECONDS)))
    headers = {"Authorization": api.headers["Authorization"], "Content-Type": content_type}
    uploaded: list[httpx.Response] = []

    def upload() -> None:
        pieces = send_slowly(body, seconds=SECONDS, pieces=int(SECONDS * 2))
        url = f"{server.url}/api/v1/wordcount/copy/create/"
        length = {"Content-Length": str(len(body))}
        uploaded.append(httpx.post(url, content=pieces, headers=headers | length, timeout=60))

    phone = threading.Thread(target=upload)
    waits = []
    phone.start()
    time.sleep(2)  # who has sent nothing yet cannot be told from an attack
    while phone.is_alive():  # those that the server has closed come again
        with SlowClients(server.url, heads=500, bodies=200, addresses=addresses):
            until = time.monotonic() + 12
            while phone.is_alive() and time.monotonic() < until:
                for path in OTHERS:
                    began = time.monotonic()
                    with httpx.Client(verify=False) as client:
                        assert client.get(f"{server.url}{path}", timeout=5).status_code == 200
                    waits.append(time.monotonic() - began)
    waits.sort()
    worst = waits[int(len(waits) * 0.99)] * 1000
    with REPORT.open("a") as report:
        report.write(f"slow clients from {addresses}: {len(waits)} calls, p99 {worst:.0f} ms\n")
    assert uploaded[0].status_code == 201, uploaded[0].text
