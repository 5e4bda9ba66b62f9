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
from tests.stack import ROOT, redis_database

PAGE = FRONTEND / "dist" / "index.html"  # WhiteNoise serves what is beside it
GUNICORN = [
    "gunicorn", "--worker-class", "gthread", "--threads", "8", "--keep-alive", "75",
    "--no-control-socket", "--log-level", "warning", "benchmarks.drf.wsgi:application",
]  # fmt: skip
CELERY = ["celery", "-A", "benchmarks.drf.tasks", "worker", "--loglevel", "WARNING"]


@dataclass
class Bare:
    """What is compared with the product, as it runs."""

    url: str
    pid: int
    headers: dict[str, str]
    state: dict[str, Any]  # of its row, as the product says it
    environment: dict[str, str]

    @property
    def status(self) -> str:
        """The path of the row's."""
        return f"/status/{self.state['id']}/"


@contextmanager
def serve_bare(product: Product, state: dict[str, Any]) -> Iterator[Bare]:
    """Serve the bare project with one row; `state` is what the product says of the same row."""
    environment = product.stack.environment | {
        "BENCH_DRF_DATABASE": product.postgres.create_database("drf"),
        "BENCH_DRF_BROKER": redis_database(product.stack.environment["REDIS_URL"], 9),
        "BENCH_DRF_MEDIA": str(product.directory / "drf"),
        "BENCH_DRF_PAGE": str(PAGE),
        "DJANGO_SETTINGS_MODULE": "benchmarks.drf.settings",
    }
    token = subprocess.run(
        [sys.executable, "-m", "benchmarks.drf.manage"], env=environment, cwd=ROOT,
        input=json.dumps(state), capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    url = f"http://127.0.0.1:{(port := free_port())}"
    command = [sys.executable, "-m", *GUNICORN, "--bind", f"127.0.0.1:{port}"]
    with product.beside("drf", command, environment, f"{url}/constant/") as pid:
        bare = Bare(url, pid, {"Authorization": f"Token {token}"}, state, environment)
        check_status(bare)
        yield bare


def check_status(bare: Bare) -> None:
    """Raise AssertionError unless it says the same of the row as the product."""
    same = httpx.get(bare.url + bare.status, headers=bare.headers).json()
    assert same == bare.state, (same, bare.state)
