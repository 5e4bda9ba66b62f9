"""Many clients in one thread that send their request a byte at a time."""

import contextlib
import itertools
import socket
import threading
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

HEAD = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "
BODY = (
    b"POST /api/v1/wordcount/copy/create/ HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    b"Content-Length: 50000000\r\n"
    b"Content-Type: multipart/form-data; boundary=x\r\n\r\n--x\r\n"
)


class SlowClients:
    """Connections that send one byte each in every round, until the block ends.

    addresses: how many of 127.0.0.1, 127.0.0.2 … they come from.
    """

    def __init__(self, url: str, *, heads: int, bodies: int, addresses: int = 1) -> None:
        parts = urlsplit(url)
        self.target = parts.hostname or "", parts.port or 80
        self.beginnings = [HEAD] * heads + [BODY] * bodies
        self.addresses = addresses
        self.sockets: list[socket.socket] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._drip, daemon=True)

    def __enter__(self) -> "SlowClients":
        sources = itertools.cycle(f"127.0.0.{n + 1}" for n in range(self.addresses))
        for beginning, source in zip(self.beginnings, sources, strict=False):
            with contextlib.suppress(OSError):
                opened = socket.create_connection(self.target, 10, (source, 0))
                opened.sendall(beginning)
                opened.setblocking(False)
                self.sockets.append(opened)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        for opened in self.sockets:
            opened.close()

    def _drip(self) -> None:
        while not self._ended.wait(0.5):
            for opened in self.sockets:
                with contextlib.suppress(OSError):  # the server has closed it
                    opened.send(b"a")

    @property
    def connected(self) -> int:
        """Return how many the server neither answered nor closed."""
        return sum(not is_answered(each) for each in self.sockets)


def is_answered(opened: socket.socket) -> bool:
    try:
        opened.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return False
    except OSError:
        pass
    return True


def send_slowly(data: bytes, *, seconds: float, pieces: int) -> Iterator[bytes]:
    """Yield a body as a phone on a poor line sends it."""
    size = -(-len(data) // pieces)
    for start in range(0, len(data), size):
        time.sleep(seconds / pieces)
        yield data[start : start + size]


def multipart(content: bytes) -> tuple[bytes, str]:
    """Return the body and the content type of a form with one file."""
    begin = b'--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'
    return begin + content + b"\r\n--b--\r\n", "multipart/form-data; boundary=b"
