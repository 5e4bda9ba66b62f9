"""A certificate for the gateway: got, renewed and served by nginx, by certbot and an authority.

The authority is Pebble, Let's Encrypt's own for tests: it asks nginx for the challenge as theirs
would, and takes every name for this machine's.
"""

import contextlib
import json
import os
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import httpx
import pytest

from scripts.environment import VENV
from scripts.processes import dies_with_parent, free_port, last_lines
from tests.nginx import Gateway, running_nginx
from tests.plugin import debian
from tests.stack import ROOT, wait_for
from tests.tls import make_certificate

pytestmark = [pytest.mark.slow, pytest.mark.matrix, pytest.mark.timeout(120)]
NAME = "www.example.org"


@dataclass
class Site:
    """A gateway, and an authority that believes in what it sees there."""

    gateway: Gateway
    authority: str
    management: str
    trusted: Path
    folder: Path

    def certbot(self, *arguments: str, authority: str = "") -> subprocess.CompletedProcess[str]:
        """Do what the container of certbot does, once."""
        return subprocess.run(
            ["sh", ROOT / "docker/production/certbot/renew", "once", "--no-random-sleep-on-renew",
             *arguments],
            env=os.environ | {
                "PATH": f"{VENV / 'bin'}:{os.environ['PATH']}",
                "CERTBOT_DOMAINS": NAME, "CERTBOT_EMAIL": "admin@example.org",
                "CERTBOT_SERVER": authority or self.authority,
                "CERTBOT_STATE": str(self.folder / "state"),
                "CERTIFICATES": str(self.gateway.folder),
                "REQUESTS_CA_BUNDLE": str(self.trusted),
            },
            capture_output=True, text=True, timeout=90,
        )  # fmt: skip

    def serial(self) -> int:
        """Shake hands as who believes in this authority; return the certificate's number."""
        root = httpx.get(f"{self.management}/roots/0", verify=_context(self.trusted)).text
        context = ssl.create_default_context(cadata=root)
        with httpx.Client(verify=context, headers={"Host": NAME}) as client:
            url = f"https://127.0.0.1:{self.gateway.tls}/"
            with client.stream("GET", url, extensions={"sni_hostname": NAME}) as answer:
                stream = answer.extensions["network_stream"]
                der = stream.get_extra_info("ssl_object").getpeercert()
        return int(der["serialNumber"], 16)


def _context(file: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(file))


@contextlib.contextmanager
def running(command: list[Any], output: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program until the test has ended."""
    process = subprocess.Popen(
        command, stdout=output, stderr=output, preexec_fn=dies_with_parent(),
        env=os.environ | {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0"},
    )  # fmt: skip
    try:
        yield process
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("acme")
    program = debian("pebble") / "pebble"
    own = make_certificate(folder)
    port, management = free_port(), free_port()
    with running_nginx(tmp_path_factory.mktemp("nginx"), {"web:5000": free_port()}) as gateway:
        config = {"listenAddress": f"127.0.0.1:{port}", "certificate": str(own),
                  "managementListenAddress": f"127.0.0.1:{management}", "privateKey": str(own),
                  "httpPort": gateway.plain, "tlsPort": gateway.tls}  # fmt: skip
        (folder / "pebble.json").write_text(json.dumps({"pebble": config}))
        log = folder / "pebble.log"
        names = f"127.0.0.1:{free_port()}"
        with log.open("wb") as output, contextlib.ExitStack() as started:
            process, *_ = [
                started.enter_context(running(command, output))
                for command in (
                    [program, "-config", folder / "pebble.json", "-dnsserver", names],
                    [f"{program}-challtestsrv", "-defaultIPv4", "127.0.0.1", "-defaultIPv6", "",
                     "-dns01", names, "-http01", "", "-https01", "", "-tlsalpn01", "",
                     "-management", f"127.0.0.1:{free_port()}"],
                )
            ]  # fmt: skip
            made = Site(gateway, f"https://127.0.0.1:{port}/dir", f"https://127.0.0.1:{management}",
                        own, folder)  # fmt: skip

            def answers() -> bool:
                assert process.poll() is None, last_lines(log)
                with contextlib.suppress(httpx.TransportError):
                    return httpx.get(made.authority, verify=_context(own)).is_success
                return False

            wait_for(answers, what="the authority answers")
            yield made


def test_a_certificate_is_got_and_renewed_and_nginx_serves_it(site: Site) -> None:
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        site.serial()  # it has signed itself
    first = site.certbot()
    assert first.returncode == 0, first.stdout + first.stderr

    def serial() -> int | None:
        with contextlib.suppress(httpx.ConnectError):
            return site.serial()
        return None

    before = wait_for(serial, what="nginx serves what was got")
    again = site.certbot()
    assert again.returncode == 0, again.stdout + again.stderr
    assert "not yet due for renewal" in again.stdout
    renewed = site.certbot("--force-renewal")
    assert renewed.returncode == 0, renewed.stdout + renewed.stderr
    wait_for(lambda: serial() not in {None, before}, what="nginx serves the renewed one")
    assert not list(site.gateway.folder.glob("challenge/.well-known/acme-challenge/*"))


def test_an_authority_that_is_away_changes_nothing(site: Site) -> None:
    folder = site.gateway.folder
    before = (folder / "fullchain.pem").read_bytes()
    refused = site.certbot("--force-renewal", authority=f"https://127.0.0.1:{free_port()}/dir")
    assert refused.returncode != 0
    assert (folder / "fullchain.pem").read_bytes() == before


def test_what_does_not_fit_together_is_not_read(site: Site, tmp_path: Path) -> None:
    folder = site.gateway.folder
    key = (folder / "privkey.pem").read_bytes()
    served = ssl.get_server_certificate(("127.0.0.1", site.gateway.tls))
    before = site.gateway.log.read_text().count("key values mismatch")
    (folder / "privkey.pem").write_bytes(make_certificate(tmp_path).read_bytes())
    wait_for(
        lambda: site.gateway.log.read_text().count("key values mismatch") > before,
        what="nginx refuses them",
    )
    assert httpx.get(f"http://127.0.0.1:{site.gateway.plain}/health/gateway").is_success
    (folder / "privkey.pem").write_bytes(key)
    assert ssl.get_server_certificate(("127.0.0.1", site.gateway.tls)) == served
