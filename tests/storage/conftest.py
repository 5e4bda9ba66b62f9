"""The product on each storage it can have."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.matrix import matrix
from tests.of_modules import of_modules
from tests.stack import Api, Stack, migrated_database

MB = 1024**2
CHUNK = 5 * MB


@dataclass
class Place:
    """A running product and where its files are."""

    name: str
    stack: Stack
    api: Api
    server: Any  # the server; None for a folder

    def files(self) -> list[str]:
        if self.server:
            return self.server.files()
        root = self.stack.media
        return sorted(p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file())

    def put(self, kind: str, upload: dict[str, Any], number: int, content: bytes) -> None:
        """Send a chunk to wherever it goes."""
        path = f"{kind}/upload/{upload['id']}/parts/{number}/"
        if upload["mode"] == "direct":
            url = self.api.post(path).json()["url"]
            answer = httpx.put(url, content=content, timeout=30)
        else:
            headers = {"Content-Type": "application/octet-stream"}
            answer = self.api.put(path, content=content, headers=headers)
        assert answer.status_code == 200, answer.text

    def upload(self, kind: str, content: bytes, filename: str = "big.bin") -> dict[str, Any]:
        """Send a file in chunks; return the request that it became."""
        upload = self.start(kind, content, filename)
        for number in range(1, upload["chunks"] + 1):
            self.put(kind, upload, number, chunk_of(content, number))
        return self.finish(kind, upload)

    def start(self, kind: str, content: bytes, filename: str = "big.bin") -> dict[str, Any]:
        answer = self.api.post(f"{kind}/upload/", json={"filename": filename, "size": len(content)})
        assert answer.status_code == 201, answer.text
        return answer.json()

    def finish(self, kind: str, upload: dict[str, Any]) -> dict[str, Any]:
        answer = self.api.post(f"{kind}/create/", json={"upload": upload["id"]})
        assert answer.status_code == 201, answer.text
        return answer.json()


def chunk_of(content: bytes, number: int) -> bytes:
    return content[(number - 1) * CHUNK : number * CHUNK]


SERVERS = {server.__name__.lower(): server for server in of_modules("STORAGE")}
PLACES = [matrix(name) for name in ("folder", *SERVERS)]


@pytest.fixture(scope="module", params=PLACES)
def place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    directory = tmp_path_factory.mktemp(request.param)
    made = SERVERS.get(request.param)
    server: Any = made(directory / "server").start() if made else None
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    name = f"{request.param}_{request.module.__name__.rpartition('.')[2]}_{worker}"
    stack = Stack(
        directory / "stack",
        migrated_database(name),
        PROCESSING_UPLOAD_CHUNK_BYTES=str(CHUNK),
        PROCESSING_UPLOAD_SECONDS="600",
        **(server.environment if server else {}),
    )
    try:
        stack.manage("setup")
        stack.start()
        with stack.client() as api:
            yield Place(request.param, stack, api, server)
    finally:
        stack.stop()
        if server:
            server.stop()
