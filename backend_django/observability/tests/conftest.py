"""What spans and errors are sent to: servers that read them with code that is not ours."""

import gzip
import os
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import brotli
import pytest

from scripts.processes import free_port
from tests.stack import Stack, migrated_database

MakeStack = Callable[..., Stack]


class Receiver(ThreadingHTTPServer):
    """Takes whatever is posted, or hangs."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Post)
        self.spans: list[bytes] = []
        self.errors: list[bytes] = []
        self.page_errors: list[bytes] = []
        self.page_headers: dict[str, str] = {}
        self.hangs = False
        self.waited: list[float] = []  # seconds until a sender of spans had enough of that

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_port}"


class Post(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        began = time.monotonic()
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.hangs:
            self.connection.recv(1)  # nothing comes but the end
            if self.path == "/v1/traces":
                self.server.waited.append(time.monotonic() - began)
            return
        unpack = {"gzip": gzip.decompress, "br": brotli.decompress}
        body = unpack.get(self.headers.get("Content-Encoding", ""), bytes)(body)
        if self.path == "/v1/traces":
            taken = self.server.spans
        elif self.path.startswith("/api/2/"):
            taken = self.server.page_errors
            self.server.page_headers = dict(self.headers.items())
        else:
            taken = self.server.errors
        taken.append(body)
        self.send_response(200)
        self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="package")
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


class Measured(Stack):
    """Its worker and beat each have a port with metrics."""

    def __init__(self, directory: Path, database_url: str, **environment: str) -> None:
        super().__init__(directory, database_url, **environment)
        self.celery_ports = {"worker": free_port(), "beat": free_port()}

    def start_process(self, name: str, command: list[str], **environment: str) -> None:
        if port := self.celery_ports.get(name):
            environment["CELERY_METRICS_PORT"] = str(port)
        super().start_process(name, command, **environment)


@pytest.fixture(scope="package")
def watched(tmp_path_factory: pytest.TempPathFactory, receiver: Receiver) -> Iterator[Measured]:
    """A product whose spans and errors go to the receiver."""
    folder: Path = tmp_path_factory.mktemp("watched")
    made = Measured(
        folder,
        migrated_database(f"watched_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"),
        OTEL_EXPORTER_OTLP_ENDPOINT=f"http://{receiver.address}",
        SENTRY_DSN=f"http://key@{receiver.address}/1",
        SENTRY_BROWSER_DSN=f"http://page@{receiver.address}/2",
        APP_COMMIT="4711abc",
        METRICS_PORT=str(free_port()),
    )
    with made.running():
        yield made
