"""A TCP proxy in front of a server, which makes the network bad: `proxy.fault = HALF_OPEN`.

Runs in a thread of its own. A fault concerns connections that are open already as well as new ones.
"""

import asyncio
import random
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit, urlunsplit


@dataclass(frozen=True)
class Fault:
    """What happens to a connection.

    half_open: what is sent is swallowed, and so is whatever follows when the fault is over.
    latency: seconds that each answer takes longer.
    resets: of ten connections so many are reset in the middle of something.
    bandwidth: bytes a second, each way.
    """

    name: str
    half_open: bool = False
    latency: float = 0
    resets: int = 0
    bandwidth: int = 0


HALF_OPEN = Fault("half-open", half_open=True)
LATENCY = Fault("500 ms latency", latency=0.5)
RESETS = Fault("30 % resets", resets=3)
BANDWIDTH = Fault("1 kB/s", bandwidth=1000)


class Proxy:
    """Listens on a port of 127.0.0.1 and passes on what comes to the port of a server there."""

    def __init__(self, target_port: int, seed: int = 1) -> None:
        self.target_port = target_port
        self.fault: Fault | None = None
        self.connections = 0
        self._chance = random.Random(seed)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)
        self._ready = threading.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    def start(self) -> Self:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def url(self, url: str) -> str:
        """Return the address of the server with the proxy's port."""
        parts = urlsplit(url)
        host = f"{parts.netloc.rpartition(':')[0]}:{self.port}"
        return urlunsplit(parts._replace(netloc=host))

    @contextmanager
    def broken(self, fault: Fault) -> Iterator[None]:
        self.fault = fault
        try:
            yield
        finally:
            self.fault = None

    def reset_all(self) -> None:
        """Reset every connection there is."""

        def reset() -> None:
            for task in list(self._tasks):
                task.cancel("reset")

        self._loop.call_soon_threadsafe(reset)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            asyncio.start_server(self._accept, "127.0.0.1", self.port)
        )
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0.05))
        self._loop.close()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        behind = None
        try:
            there, behind = await asyncio.open_connection("127.0.0.1", self.target_port)
            connection = _Connection(
                self, writer, self._chance.random(), self._chance.randint(1, 12)
            )
            ways = [
                asyncio.ensure_future(connection.pass_on(reader, behind, answers=False)),
                asyncio.ensure_future(connection.pass_on(there, writer, answers=True)),
            ]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
        except (OSError, asyncio.CancelledError):
            _reset(writer)
        finally:
            self._tasks.discard(task)
            for end in (writer, behind):
                if end is not None:
                    end.close()


@dataclass
class _Connection:
    proxy: Proxy
    client: asyncio.StreamWriter
    luck: float
    pieces_left: int
    dead: bool = False

    async def pass_on(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, *, answers: bool
    ) -> None:
        with suppress(OSError):
            while data := await source.read(64 * 1024):
                fault = self.proxy.fault
                if fault is not None:
                    if fault.half_open:
                        self.dead = True
                    if self.luck * 10 < fault.resets:
                        self.pieces_left -= 1
                        if self.pieces_left < 0:
                            _reset(self.client)
                            return
                    if answers:
                        await asyncio.sleep(fault.latency)
                    if fault.bandwidth:
                        await self._trickle(target, data, fault.bandwidth)
                        continue
                if not self.dead:
                    target.write(data)
                    await target.drain()
            if self.dead and answers:
                await asyncio.Event().wait()  # the client is not told that the server has gone

    async def _trickle(self, target: asyncio.StreamWriter, data: bytes, bandwidth: int) -> None:
        for start in range(0, len(data), 100):
            slow = self.proxy.fault is not None and self.proxy.fault.bandwidth
            piece = data[start : start + 100] if slow else data[start:]
            if slow:
                await asyncio.sleep(len(piece) / bandwidth)
            target.write(piece)
            await target.drain()
            if not slow:
                return


def _reset(writer: asyncio.StreamWriter) -> None:
    """End a connection so that the other side is told “connection reset by peer”."""
    connection: socket.socket | None = writer.get_extra_info("socket")
    if connection is not None:
        with suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
