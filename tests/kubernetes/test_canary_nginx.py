"""The same canary with nginx: real visitors, a real Prometheus, and the commands of the docs."""

import contextlib
import itertools
import os
import subprocess
import threading
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from scripts.processes import free_port
from tests.compose import read
from tests.kubernetes.test_canary import Release, Site
from tests.kubernetes.test_canary import site as site
from tests.nginx import running_nginx
from tests.stack import ROOT, wait_for

pytestmark = pytest.mark.slow
WEIGHT = ROOT / "deploy" / "compose" / "weight"
VISITORS = [f"127.0.0.{number}" for number in range(2, 42)]


def serve(release: Release, name: str, address: tuple[str, int]) -> ThreadingHTTPServer:
    """Let a release answer calls, with its name."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.send_response(release.answer())
            self.send_header("Content-Length", str(len(name)))
            self.end_headers()
            self.wfile.write(name.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(address, Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


class Visited(Site):
    """Visitors of many addresses call nginx, in turn."""

    def begin(self) -> None:
        self.answered: dict[str, str] = {}  # who answered the last call of each
        self.started = contextlib.ExitStack()
        folder = self.folder / "gateway"
        port = free_port()
        for server in (
            serve(self.stable, "stable", ("127.0.0.1", port)),
            serve(self.canary, "canary", ("127.0.0.2", port)),
        ):
            self.started.callback(server.server_close)
            self.started.callback(server.shutdown)
        self.environment = {
            "GATEWAY": f"{folder}/http.d", "NGINX": f"{folder}/bin/nginx",
            "STABLE": "1", "CANARY": "2",
        }  # fmt: skip
        words = " ".join(f"{name}={value}" for name, value in self.environment.items())
        self.set_weight += f" && {words} {WEIGHT} {{weight}}"
        self.move("0", NGINX="true")  # it is not there yet
        self.gateway = self.started.enter_context(
            running_nginx(
                folder,
                {"web$release:5000": f"127.0.0.$release:{port}"},
                {"canary.conf": ROOT / "deploy/compose/nginx.conf"},
            )
        )

    def visit(self) -> None:
        with contextlib.ExitStack() as opened:
            clients = {
                address: opened.enter_context(
                    httpx.Client(
                        transport=httpx.HTTPTransport(local_address=address, verify=False),
                        base_url=self.gateway.url,
                    )
                )
                for address in VISITORS
            }
            for address in itertools.cycle(VISITORS):
                if self.ended.wait(0.01):
                    return
                with contextlib.suppress(httpx.TransportError):  # nginx ends what is idle
                    self.answered[address] = clients[address].get("/").text

    def who_answers(self) -> dict[str, str]:
        """Return it for each visitor, of calls from now on."""
        self.answered.clear()
        wait_for(lambda: len(self.answered) == len(VISITORS), what="all visitors were answered")
        return dict(self.answered)

    def move(self, weight: str, **changes: str) -> None:
        environment = os.environ | self.environment | changes
        subprocess.run([WEIGHT, weight], env=environment, check=True)

    def close(self) -> None:
        super().close()
        self.started.close()


@pytest.fixture
def kind() -> type[Site]:
    return Visited


@pytest.mark.matrix
@pytest.mark.timeout(180)
def test_a_good_release_gets_all_visitors_and_a_bad_one_none(
    site: Callable[..., Visited], tmp_path: Path
) -> None:
    made = site()
    done = made.roll_out(steps="30,100")
    assert done.returncode == 0, done.stdout + done.stderr
    assert set(made.who_answers().values()) == {"canary"}
    made.canary.errors = 0.3
    made.move("0")
    wait_for(lambda: set(made.who_answers().values()) == {"stable"}, what="nginx has the weight")
    made.move("30")
    wait_for(lambda: set(made.who_answers().values()) != {"stable"}, what="nginx has the weight")
    shares = Counter(made.who_answers().values())
    assert 4 <= shares["canary"] <= 20, shares  # 12 of 40, by a hash of their addresses
    assert made.who_answers() == made.who_answers()  # each stays where it is
    done = made.roll_out(steps="30,100")
    assert done.returncode == 1
    assert "of its answers are errors" in done.stderr
    assert made.weights()[-2:] == ["30", "0"]
    wait_for(lambda: set(made.who_answers().values()) == {"stable"}, what="all are led back")


@pytest.mark.parametrize("weight", ["101", "-1", "1; return 200", ""])
def test_what_is_no_weight_is_refused(tmp_path: Path, weight: str) -> None:
    done = subprocess.run(
        [WEIGHT, weight], capture_output=True, text=True,
        env=os.environ | {"GATEWAY": str(tmp_path), "NGINX": "true"},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (2, "Give a number from 0 to 100.\n")
    assert not list(tmp_path.iterdir())


def test_the_canary_is_a_web_like_the_other() -> None:
    web = read("docker/production/compose.yml")["services"]["web"]
    canary = read("deploy/compose/canary.yml")["services"]["web-canary"]
    image = canary.pop("image")
    assert image.startswith("${CANARY_IMAGE:?")
    for service in (web, canary):
        for name in ("image", "ports"):
            service.pop(name, None)
        service["deploy"].pop("replicas", None)
    assert canary == web
