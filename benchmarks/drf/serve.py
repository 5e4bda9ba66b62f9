"""Serves the bare project beside the product, with the same row in a database of its own."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from benchmarks.product import Product
from scripts.environment import FRONTEND
from scripts.processes import free_port
from tests.stack import ROOT, wait_for

PAGE = FRONTEND / "dist" / "index.html"  # WhiteNoise serves what is beside it
GUNICORN = [
    "gunicorn", "--worker-class", "gthread", "--threads", "8", "--keep-alive", "75",
    "--no-control-socket", "--log-level", "warning",
]  # fmt: skip


@dataclass
class Bare:
    """The bare project as it runs."""

    url: str
    pid: int
    headers: dict[str, str]
    status: str  # the path of the row's


@contextmanager
def serve_bare(product: Product, state: dict[str, Any]) -> Iterator[Bare]:
    """Serve the bare project with one row; `state` is what the product says of the same row."""
    product.postgres.create_database("drf")
    environment = product.stack.environment | {
        "BENCH_DRF_DATABASE": product.postgres._url("drf"),
        "BENCH_DRF_PAGE": str(PAGE),
        "DJANGO_SETTINGS_MODULE": "benchmarks.drf.settings",
    }
    token = subprocess.run(
        [sys.executable, "-m", "benchmarks.drf.manage"], env=environment, cwd=ROOT,
        input=json.dumps(state), capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    port = free_port()
    bind = ["--bind", f"127.0.0.1:{port}", "benchmarks.drf.wsgi:application"]
    product.stack.start_process("drf", [*GUNICORN, *bind], **environment)
    bare = Bare(
        f"http://127.0.0.1:{port}", product.stack.processes["drf"].pid,
        {"Authorization": f"Token {token}"}, f"/status/{state['id']}/",
    )  # fmt: skip
    try:
        wait_for(lambda: _responds(f"{bare.url}/constant/"), what="the bare project responds")
        same = httpx.get(bare.url + bare.status, headers=bare.headers).json()
        assert same == state, (same, state)
        yield bare
    finally:
        product.stack.stop("drf")


def _responds(url: str) -> bool:
    try:
        return httpx.get(url).status_code == 200
    except httpx.TransportError:
        return False
