"""A web process of its own, with few threads and little patience."""

from collections.abc import Iterator

import httpx
import pytest

from scripts.processes import free_port, last_lines
from tests.stack import Stack, wait_for

THREADS = 2
LIMITS = {
    "WEB_THREADS": str(THREADS),
    "WEB_HEAD_SECONDS": "4",
    "WEB_RATE_GRACE_SECONDS": "4",
    "WEB_MIN_BYTES_PER_SECOND": "20000",
    "WEB_SENDING_PER_ADDRESS": "100",
}


class Server:
    """The second web process of the stack."""

    def __init__(self, stack: Stack, *, defaults: bool = False, **environment: str) -> None:
        self.stack, self.port = stack, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.name = f"web-{self.port}"
        given = {"WEB_THREADS": "8"} if defaults else LIMITS
        given = given | {"API_RATE_ADDRESS": "100000/minute", "PORT": str(self.port)} | environment
        stack.start_process(self.name, Stack.commands["web"], **given)
        wait_for(self._ready, what=f"web is ready\n{last_lines(stack.log(self.name))}")

    def _ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health/ready").status_code == 200
        except httpx.TransportError:
            return False

    def stop(self) -> None:
        self.stack.stop(self.name)


@pytest.fixture(scope="module")
def server(stack: Stack) -> Iterator[Server]:
    made = Server(stack)
    yield made
    made.stop()
