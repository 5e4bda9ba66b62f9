"""nginx.conf in a real nginx, in front of servers that say what has reached them."""

import contextlib
import itertools
import json
import re
import ssl
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from tests.nginx import Gateway, running_nginx
from tests.stack import ROOT, wait_for

pytestmark = [pytest.mark.slow]
CDN = "127.0.0.9"


class Upstream(BaseHTTPRequestHandler):
    """Says its name, path and headers; of a stream only the first half until it is `released`."""

    protocol_version = "HTTP/1.1"
    name = ""
    released = threading.Event()

    def respond(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        read = len(self.rfile.read(length))
        seen = {"name": self.name, "path": self.path, "read": read, **dict(self.headers.items())}
        streams = "stream" in self.path or "events" in self.path
        halves = [json.dumps(seen).encode() + b"\n", b"the rest\n" if streams else b""]
        self.send_response(200)
        self.send_header("Content-Length", str(sum(map(len, halves))))
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(halves[0])
            if streams:
                seen_in_time = self.released.wait(10)  # by a test that has had the first half
                self.wfile.write(halves[1] if seen_in_time else b"too late\n")

    def do_GET(self) -> None:
        self.respond()

    def do_POST(self) -> None:
        self.respond()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    servers = {}
    for name, handler in (("web", "web:5000"), ("fastapi", "fastapi:8080")):
        kind = type(name, (Upstream,), {"name": name})
        servers[handler] = ThreadingHTTPServer(("127.0.0.1", 0), kind)
        threading.Thread(target=servers[handler].serve_forever, daemon=True).start()
    ports = {name: server.server_port for name, server in servers.items()}
    of_module = {"fastapi.conf": ROOT / "docker/fastapi/nginx.conf"}
    folder = tmp_path_factory.mktemp("nginx")
    (folder / "http.d").mkdir()
    (folder / "http.d" / "visitors.conf").write_text(
        f"set_real_ip_from {CDN}; real_ip_header CF-Connecting-IP;"
    )
    try:
        with running_nginx(folder, ports, of_module) as made:
            yield made
    finally:
        Upstream.released.set()
        for server in servers.values():
            server.shutdown()
            server.server_close()


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/", "web"), ("/admin/", "web"), ("/api/v1/version/", "web"), ("/health/ready", "web"),
        ("/api/v1/fast/summaries/", "fastapi"), ("/api/fast/lookups/", "fastapi"),
        ("/api/v1/faster/", "web"), ("/internal/status", "web"), ("/api/v1/fast", "web"),
    ],
)  # fmt: skip
def test_every_address_has_its_process(gateway: Gateway, path: str, name: str) -> None:
    with gateway.client() as client:
        seen = client.get(f"{path}?a=b%2Fc").json()
    assert (seen["name"], seen["path"]) == (name, f"{path}?a=b%2Fc")


@pytest.mark.parametrize("path", ["/", "/api/v1/fast/x/", "/events/"])
def test_what_a_client_claims_of_itself_ends_here(gateway: Gateway, path: str) -> None:
    claims = {"X-Forwarded-For": "192.0.2.1", "X-Forwarded-Proto": "http", "Forwarded": "for=x",
              "X-Forwarded-Host": "evil.example", "X-Real-IP": "192.0.2.1"}  # fmt: skip
    Upstream.released.set()
    with gateway.client() as client:
        seen = json.loads(client.get(path, headers=claims).text.splitlines()[0])
    assert seen["X-Forwarded-For"] in {"127.0.0.1"}
    assert seen["X-Forwarded-Proto"] == "https"
    assert seen["Host"] == gateway.url.removeprefix("https://")
    assert not {"Forwarded", "X-Forwarded-Host", "X-Real-IP"} & seen.keys()


def test_web_is_asked_for_what_it_has_compressed_ahead(gateway: Gateway) -> None:
    with gateway.client() as client:
        seen = client.get("/static/x.js", headers={"Accept-Encoding": "gzip, br"}).json()
    assert seen["Accept-Encoding"] == "gzip, br"


@pytest.mark.parametrize(("address", "seen"), [(CDN, "192.0.2.7"), ("127.0.0.1", "127.0.0.1")])
def test_a_cdn_that_is_named_says_who_calls(gateway: Gateway, address: str, seen: str) -> None:
    context = ssl.create_default_context(cafile=gateway.folder / "fullchain.pem")
    transport = httpx.HTTPTransport(local_address=address, verify=context)
    with httpx.Client(base_url=gateway.url, transport=transport) as client:
        answer = client.get("/", headers={"CF-Connecting-IP": "192.0.2.7"}).json()
    assert answer["X-Forwarded-For"] == seen


@pytest.mark.parametrize("path", ["/api/v1/fast/stream/", "/events/", "/api/v1/events/"])
def test_streams_are_passed_on_as_they_come(gateway: Gateway, path: str) -> None:
    Upstream.released.clear()
    with gateway.client() as client, client.stream("GET", path) as response:
        lines = response.iter_lines()
        assert path in next(lines)  # the server has not said the rest yet
        Upstream.released.set()
        assert next(lines) == "the rest"


def test_bodies_have_the_limit_of_their_process(gateway: Gateway) -> None:
    large = b"x" * (600 * 1024)
    with gateway.client() as client:
        assert client.post("/api/v1/fast/x/", content=large).status_code == 413
        assert client.post("/api/v1/fast/x/", content=large[: 500 * 1024]).json()["read"] == 512_000
        assert client.post("/api/v1/requests/", content=large).json()["read"] == len(large)
        assert client.post("/events/", content=large).status_code == 413


def test_too_many_calls_of_one_address_are_refused(gateway: Gateway) -> None:
    """50 a second, and 100 at once beyond them; of Django's, Django counts."""
    with gateway.client() as client:
        began, codes = time.monotonic(), []
        for _ in itertools.count():
            codes.append(client.get("/api/v1/fast/x/").status_code)
            if codes[-1] == 429 or time.monotonic() - began > 20:
                break
        # A machine that cannot ask so fast cannot see it.
        assert codes[-1] == 429 or len(codes) < 20 * 60
        assert codes[-1] == 200 or len(codes) > 100
        assert {client.get("/").status_code for _ in range(50)} == {200}


def test_plain_http_is_led_to_tls(gateway: Gateway) -> None:
    answer = httpx.get(f"http://127.0.0.1:{gateway.plain}/admin/", headers={"Host": "a.example"})
    assert (answer.status_code, answer.headers["Location"]) == (301, "https://a.example/admin/")


def test_log_has_no_secrets(gateway: Gateway) -> None:
    with gateway.client() as client:
        client.get("/shared/Abcdefghijklmnopqrstuvwxyz0123/?signature=of-one")
    log = gateway.folder / "access.log"
    line = wait_for(lambda: re.findall(r'"GET (/shared/\S+) ', log.read_text()), what="the line")
    assert line == ["/shared/[secret]/"]
    parsed: list[dict[str, Any]] = [json.loads(text) for text in log.read_text().splitlines()]
    assert all(entry["client"] for entry in parsed)
