"""A canary of FastAPI beside web's: the same visitors, by the same weight."""

import contextlib
import json
import os
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from scripts.processes import free_port
from tests.compose import read
from tests.nginx import Gateway, running_nginx
from tests.stack import ROOT, wait_for

pytestmark = pytest.mark.slow
VISITORS = [f"127.0.0.{number}" for number in range(2, 18)]
CANARY = "deploy/compose/fastapi/canary.yml"


class Named(BaseHTTPRequestHandler):
    """Says which process of which release it is."""

    name = ""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.name.encode())

    def log_message(self, *_: object) -> None:
        pass


def move(folder: Path, weight: str, **changes: str) -> None:
    environment = {"GATEWAY": f"{folder}/http.d", "NGINX": f"{folder}/bin/nginx",
                   "STABLE": "1", "CANARY": "2"}  # fmt: skip
    subprocess.run(
        [ROOT / "deploy/compose/weight", weight], env=os.environ | environment | changes, check=True
    )


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    servers, places = [], {}
    for name, port in (("web", 5000), ("fastapi", 8080)):
        places[f"{name}$release:{port}"] = f"127.0.0.$release:{(here := free_port())}"
        for host, release in (("127.0.0.1", "stable"), ("127.0.0.2", "canary")):
            kind = type(name, (Named,), {"name": f"{name} {release}"})
            servers.append(ThreadingHTTPServer((host, here), kind))
            threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
    mounted = read(CANARY)["services"]["nginx"]["volumes"]
    mounted += read("docker/fastapi/production.yml")["services"]["nginx"]["volumes"]
    mounted += read("deploy/compose/canary.yml")["services"]["nginx"]["volumes"]
    confs = {Path(to).name: ROOT / source for source, to, _ in (one.split(":") for one in mounted)}
    move(tmp_path, "0", NGINX="true")  # it is not there yet
    try:
        with running_nginx(tmp_path, places, confs) as made:
            yield made
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()


def test_a_visitor_has_one_release_of_both(gateway: Gateway) -> None:
    def who_answers() -> set[tuple[str, str]]:
        seen = set()
        for address in VISITORS:
            transport = httpx.HTTPTransport(local_address=address, verify=False)
            with (
                httpx.Client(transport=transport, base_url=gateway.url) as client,
                contextlib.suppress(httpx.TransportError),  # of an nginx that is replaced
            ):
                seen.add((client.get("/").text, client.get("/api/v1/fast/x/").text))
        return seen

    stable, canary = (("web " + one, "fastapi " + one) for one in ("stable", "canary"))
    assert who_answers() == {stable}
    for weight, releases in (("50", {stable, canary}), ("100", {canary}), ("0", {stable})):
        move(gateway.folder, weight)
        wait_for(lambda releases=releases: who_answers() == releases, what=f"nginx has {weight}")


def test_it_is_a_fastapi_like_the_other() -> None:
    stable = read("docker/fastapi/production.yml")["services"]["fastapi"]
    canary = read(CANARY)["services"]["fastapi-canary"]
    assert canary.pop("image").startswith("${CANARY_IMAGE:?")
    stable.pop("image")
    assert canary == stable


def test_prometheus_tells_both_apart() -> None:
    targets = {
        one["labels"]["job"]: one["targets"]
        for name in (
            "docker/fastapi/prometheus/fastapi.json",
            "deploy/compose/fastapi/prometheus.json",
        )
        for one in json.loads((ROOT / name).read_text(encoding="utf-8"))
    }
    assert targets == {"fastapi": ["fastapi:9464"], "fastapi-canary": ["fastapi-canary:9464"]}
    for name in ("docker/fastapi/prometheus/compose.yml", CANARY):
        (volume,) = read(name)["services"]["prometheus"]["volumes"]
        assert (ROOT / volume.partition(":")[0]).is_file()
