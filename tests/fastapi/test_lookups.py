"""Several outside services at once: public ones only, and no longer than one waits."""

import asyncio
import contextlib
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.conf import LazySettings

from backend_django.users.models import User
from backend_django.users.services import token_create
from backend_fastapi import lookups
from tests.fastapi.calls import Answer, call

released = threading.Event()
heard: list[tuple[str | None, ...]] = []


class Service(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        heard.append((self.path, self.headers.get("Authorization"), self.headers.get("Cookie")))
        if self.path == "/slow":
            released.wait(20)
        body = self.path.encode() * (20_000 if self.path == "/long" else 1)
        self.send_response({"/away": 404, "/inside": 302}.get(self.path, 200))
        if self.path == "/inside":
            self.send_header("Location", "http://localhost:1/")
        self.send_header("Content-Type", "text/plain; charset=no-such-charset")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(OSError):  # nobody waits any more
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    released.set()
    server.shutdown()
    server.server_close()


def look_up(user: User, urls: list[str], seconds: float = 5) -> Answer:
    _, key = token_create(user=user, name="of a test")
    data = {"urls": urls, "seconds": seconds}
    return call(
        None, "post", "/api/v1/fast/lookups/", data, headers={"Authorization": f"Token {key}"}
    )


def test_all_are_asked_and_each_says_its_own(user: User, service: str) -> None:
    heard.clear()
    answer = look_up(user, [f"{service}/one", f"{service}/away", f"{service}/long"])
    assert answer.status_code == 200, answer.content
    one, away, long = answer.json()["responses"]
    assert (one["status"], one["body"]) == (200, "/one")
    assert away["status"] == 404
    assert (long["status"], long["code"]) == (0, "response_too_large")
    assert sorted(heard) == [(f"/{name}", None, None) for name in ("away", "long", "one")]


def test_the_slowest_does_not_hold_up_the_others(user: User, service: str) -> None:
    began = time.monotonic()
    answer = look_up(user, [f"{service}/slow", f"{service}/one"], seconds=1)
    assert time.monotonic() - began < 10  # /slow would take twenty
    slow, one = answer.json()["responses"]
    assert one["status"] == 200
    assert slow["status"] == 0
    assert slow["code"] in {"deadline", "service_unavailable"}


def test_our_own_network_is_not_called(user: User, service: str) -> None:
    heard.clear()
    urls = [
        service.replace("127.0.0.1", "localhost"), "http://169.254.169.254/latest/",
        "http://[::1]:5432/", "http://0x7f000001/", f"{service}/inside",
    ]  # fmt: skip
    codes = [one["code"] for one in look_up(user, urls).json()["responses"]]
    assert codes == ["address_refused"] * 5
    assert heard == [("/inside", None, None)]  # the test's own, which may be called by this name


def test_malformed_url_costs_the_others_nothing(user: User, service: str) -> None:
    urls = ["http://[x/", "http://\u2100.org/", f"{service}/one"]
    answer = look_up(user, urls)
    assert answer.status_code == 200, answer.content
    assert [one["code"] for one in answer.json()["responses"]] == ["address_refused"] * 2 + [""]


def test_calls_of_one_user_leave_threads_to_others(service: str) -> None:
    async def run() -> list[lookups.Lookup]:
        slow = [
            asyncio.ensure_future(lookups.look_up([f"{service}/slow"] * 8, 2, user=1))
            for _ in range(5)
        ]
        await asyncio.sleep(0)
        found = await lookups.look_up([f"{service}/one"], 2, user=2)
        await asyncio.gather(*slow)
        return found

    (one,) = asyncio.run(run())
    assert (one.status, one.body) == (200, "/one")


@pytest.mark.parametrize("urls", [[], ["ftp://example.org"], ["http://a b"], ["http://x.org"] * 9])
def test_what_cannot_be_asked_is_refused(user: User, urls: list[str]) -> None:
    answer = look_up(user, urls)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")


def test_lookups_have_a_limit_of_their_own(
    user: User, service: str, settings: LazySettings
) -> None:
    settings.API_RATES = settings.API_RATES | {"lookups": "1/hour"}
    assert look_up(user, [f"{service}/one"]).status_code == 200
    assert look_up(user, [f"{service}/one"]).status_code == 429
