"""The product on private servers, as `make run` has it: durable, one web process."""

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from benchmarks.measure import Figure, cpu_seconds
from scripts.processes import dies_with_parent, last_lines
from scripts.services import Postgres, Valkey
from tests.stack import ADMIN, ROOT, Stack, wait_for

APPS = "tests.wordcount.apps.WordCountConfig,benchmarks.bare.BareConfig"
WORKER = ["celery", "-A", "backend_django.config.celery_app", "worker", "--loglevel", "WARNING"]
STATEMENTS = """
SELECT coalesce(sum(calls), 0) FROM pg_stat_statements
  JOIN pg_database ON pg_database.oid = dbid JOIN pg_roles ON pg_roles.oid = userid
 WHERE rolname = 'app' AND datname = %s
   AND query NOT LIKE '%%OPERATOR(pg_catalog.%%'  -- PostgreSQL's own, of foreign keys
"""


class CountingPostgres(Postgres):
    """PostgreSQL that counts statements; BEGIN, COMMIT and savepoints are none."""

    def _initialise(self, directory: Path, *how: Any) -> None:
        super()._initialise(directory, *how)
        with (directory / "cluster" / "postgresql.conf").open("a") as settings:
            settings.write("shared_preload_libraries = pg_stat_statements\n")
            settings.write("pg_stat_statements.track_utility = off\n")

    def start(self) -> "CountingPostgres":
        super().start()
        with self._superuser("postgres") as connection:
            connection.execute("CREATE EXTENSION pg_stat_statements")
        return self

    def statements(self, database: str = "app") -> int:
        """Return how many the role of the product has sent to a database so far."""
        with self._superuser("postgres") as connection:
            return int(connection.execute(STATEMENTS, [database]).fetchone()[0])

    def unseen(self, database: str = "app") -> str:
        """Return the URL for one who watches, whose statements are not counted."""
        return self._url(database, "postgres", self.superuser_password)


@dataclass
class Spent:
    """cpu: seconds of processor time; statements: to PostgreSQL."""

    cpu: float
    statements: int

    def figure(self, value: float, count: int) -> Figure:
        """Return a figure with what one of so many has cost."""
        return Figure(value, self.cpu / count, self.statements / count)


class Product:
    """Web and worker, for the bench to ask and to look at."""

    def __init__(self, directory: Path, postgres: CountingPostgres, valkey: Valkey) -> None:
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
        unseen = self.postgres.unseen()
        return float(self.stack.manage("bench", what, *map(str, arguments), DATABASE_URL=unseen))

    @contextmanager
    def spending(self, *pids: int, of: str = "app") -> Iterator["Spent"]:
        """Count what processes and a database do meanwhile; the result is there at the end."""
        spent = Spent(sum(map(cpu_seconds, pids)), self.postgres.statements(of))
        yield spent
        spent.cpu = sum(map(cpu_seconds, pids)) - spent.cpu
        spent.statements = self.postgres.statements(of) - spent.statements

    @contextmanager
    def beside(
        self, name: str, command: list[str], environment: Mapping[str, str], url: str = ""
    ) -> Iterator[int]:
        """Run a program beside the product; yield its process id once it responds at `url`."""
        log = self.stack.log(name)
        with log.open("ab") as output:
            process = subprocess.Popen(
                command, env=environment, stdout=output, stderr=output, cwd=self.directory,
                preexec_fn=dies_with_parent(),
            )  # fmt: skip

        def responds() -> bool:
            assert process.poll() is None, f"{name} has ended: {last_lines(log)}"
            with contextlib.suppress(httpx.TransportError):
                return httpx.get(url).is_success
            return False

        try:
            if url:
                wait_for(responds, what=f"{name} responds; see {log}")
            yield process.pid
        finally:
            process.terminate()
            process.wait(20)

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
        CountingPostgres(None, durable=True) as postgres,
        Valkey(None) as valkey,
    ):
        product = Product(Path(directory), postgres, valkey)
        try:
            yield product
        finally:
            product.stack.stop()
