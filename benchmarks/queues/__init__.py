"""What others run jobs with that keep them in PostgreSQL, as rows: empty jobs, one worker process.

Each program here is run by the interpreter of benchmarks/tools.py, with DATABASE_URL:

    PROGRAM setup            makes the tables
    PROGRAM worker COUNT     works, so many at once
    PROGRAM run COUNT        has so many jobs waiting at once, prints the seconds until all are done
    PROGRAM latency COUNT    one after the other; prints the median of the seconds
"""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import tools
from benchmarks.product import Product


class Queue:
    """One of them, with a database of its own and a worker."""

    def __init__(self, product: Product, name: str) -> None:
        self.product, self.name = product, name
        self.program = [tools.python(), str(Path(__file__).with_name(f"of_{name}.py"))]
        self.url = product.postgres.create_database(name)
        self.ask("setup", url=self.url)

    def ask(self, *arguments: str, url: str = "") -> str:
        return subprocess.run(
            [*self.program, *arguments],
            env=tools.environment(DATABASE_URL=url or self.product.postgres.unseen(self.name)),
            capture_output=True, text=True, check=True, timeout=300,
        ).stdout  # fmt: skip

    @contextmanager
    def worker(self, concurrency: int = 1) -> Iterator[int]:
        """Have a worker for a while that has already done something; yield its process id."""
        command = [*self.program, "worker", str(concurrency)]
        environment = tools.environment(DATABASE_URL=self.url)
        with self.product.beside(self.name, command, environment) as pid:
            self.ask("run", "5")
            yield pid

    def run(self, count: int) -> float:
        return float(self.ask("run", str(count)))

    def latency(self, count: int) -> float:
        return float(self.ask("latency", str(count)))
