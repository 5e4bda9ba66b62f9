"""The product on private servers, as `make run` has it: durable, one web process."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from scripts.services import Postgres, Valkey
from tests.stack import ADMIN, ROOT, Stack

APPS = "tests.wordcount.apps.WordCountConfig,benchmarks.bare.BareConfig"
WORKER = ["celery", "-A", "backend_django.config.celery_app", "worker", "--loglevel", "WARNING"]


class Product:
    """Web and worker, for the bench to ask and to look at."""

    def __init__(self, directory: Path, postgres: Postgres, valkey: Valkey) -> None:
        self.postgres = postgres
        self.directory = directory
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "backend_django.config.settings.test",
            "PYTHONPATH": str(ROOT),
            "REDIS_URL": valkey.url,
        }
        self.stack = Stack(
            directory / "stack", postgres.url, TEST_APPS=APPS,
            LOG_LEVEL="WARNING", WEB_THREADS="8", PROCESSING_DAILY_UPLOAD_BYTES=str(10**13),
            PROCESSING_DAILY_CPU_SECONDS="0",
            PROCESSING_MAX_UPLOAD_BYTES=str(10**11),
        )  # fmt: skip
        self.stack.manage("setup")
        self.stack.start("web")

    def worker(self, concurrency: int) -> int:
        """Start the worker anew with so many jobs at once; return its process id."""
        if "worker" in self.stack.processes:
            self.stack.stop("worker")
        self.stack.start_process("worker", [*WORKER, "-c", str(concurrency)])
        self.bench("bare", 5)  # it is there when it has done something
        return self.stack.processes["worker"].pid

    def bench(self, what: str, *arguments: Any) -> float:
        """Return what a measurement of `manage.py bench` says, in seconds."""
        return float(self.stack.manage("bench", what, *map(str, arguments)))

    def session_cookie(self) -> str:
        """Sign the superuser in as a page does; return the cookie to send."""
        with httpx.Client(base_url=self.stack.url) as page:
            signed_in = page.post("/api/v1/auth/login/", json=ADMIN)
            assert signed_in.status_code == 200, signed_in.text
            return f"sessionid={page.cookies['sessionid']}"


@contextmanager
def product_alone(prefix: str = "bench-") -> Iterator[Product]:
    """A product with web on servers of its own, with nothing in them; stopped at the end."""
    with (
        tempfile.TemporaryDirectory(prefix=prefix) as directory,
        Postgres(None, durable=True) as postgres,
        Valkey(None) as valkey,
    ):
        product = Product(Path(directory), postgres, valkey)
        try:
            yield product
        finally:
            product.stack.stop()
