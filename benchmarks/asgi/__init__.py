"""What the product's polls are compared with that has no Django: FastAPI and asyncpg."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from benchmarks import tools
from benchmarks.drf.serve import Bare, check_status
from benchmarks.product import Product
from scripts.processes import free_port

UVICORN = ["-m", "uvicorn", "--log-level", "warning", "--no-access-log"]


@contextmanager
def serve_asgi(product: Product, bare: Bare) -> Iterator[Bare]:
    """Serve the row of the bare project, from its database, in one process of uvicorn."""
    port = free_port()
    command = [tools.python(), *UVICORN, "--app-dir", str(Path(__file__).parent), "app:app"]
    environment = tools.environment(DATABASE_URL=bare.environment["BENCH_DRF_DATABASE"])
    url = f"http://127.0.0.1:{port}"
    with product.beside("asgi", [*command, "--port", str(port)], environment, f"{url}/docs") as pid:
        served = replace(bare, url=url, pid=pid)
        check_status(served)
        yield served
