"""FastAPI as a process of its own, beside those of a stack."""

import contextlib
from collections.abc import Iterator

import httpx

from scripts.processes import free_port, last_lines
from tests.stack import Stack, wait_for


@contextlib.contextmanager
def fastapi_beside(stack: Stack, **environment: str) -> Iterator[str]:
    """Run it with the settings of a stack; yield its URL."""
    port = free_port()
    stack.start_process("fastapi", ["backend_fastapi"], FASTAPI_PORT=str(port), **environment)

    def answers() -> bool:
        assert stack.processes["fastapi"].poll() is None, last_lines(stack.log("fastapi"), 40)
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(f"http://127.0.0.1:{port}/health/live").status_code == 200
        return False

    try:
        wait_for(answers, seconds=60, what="FastAPI answers")
        yield f"http://127.0.0.1:{port}"
    finally:
        if "fastapi" in stack.processes:
            stack.stop("fastapi")
