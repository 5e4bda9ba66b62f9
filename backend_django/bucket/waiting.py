"""Limit how long a web request waits for the bucket, however slowly its bytes come.

The client library limits the wait for each piece: a bucket that sends a byte a second, or takes
three for each of several answers, is within that limit for minutes.
"""

import math
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any, TypeVar

from botocore.awsrequest import (
    AWSHTTPConnection,
    AWSHTTPConnectionPool,
    AWSHTTPSConnection,
    AWSHTTPSConnectionPool,
)
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from backend_django.utils.database_wait import web_limit

T = TypeVar("T")
FAILED = (ConnectTimeoutError, NewConnectionError)
SHORT = 0.01  # seconds, in the place of none
BYTES_PER_SECOND = 64 * 1024  # what is transferred at this pace or faster is no wait


def is_used_up() -> bool:
    """Return whether the present web request may wait no longer."""
    limit = web_limit()
    return limit is not None and limit.storage_left() <= 0


def allow(seconds: float) -> None:
    """Let the present web request wait longer: for what takes long in a bucket that is well."""
    if limit := web_limit():
        limit.spend_on_storage(-seconds)


def _spend(usual: float | None, act: Callable[[float | None], T], size: Callable[[T], int]) -> T:
    """Run what waits for the bucket, and deduct its time.

    Args:
        usual: seconds that it may wait anyway.
        act: is given the seconds that it may wait.
        size: returns how many bytes were transferred.
    """
    limit = web_limit()
    if limit is None:
        return act(usual)
    if limit.storage_left() <= 0:
        raise TimeoutError("this request has waited long enough for the bucket")
    began, moved = time.monotonic(), 0
    try:
        done = act(min(limit.storage_left(), math.inf if usual is None else usual))
        moved = size(done)
        return done
    finally:
        waited = time.monotonic() - began - moved / BYTES_PER_SECOND
        limit.spend_on_storage(max(0.0, waited))


@cache
def _limited(base: Any) -> Any:
    """Return a class of sockets that limits them."""

    class LimitedSocket(base):
        __slots__ = ()

        def _limit(self, act: Callable[[], T], size: Callable[[T], int]) -> T:
            usual = self.gettimeout()

            def act_within(seconds: float | None) -> T:
                self.settimeout(seconds)
                return act()

            try:
                return _spend(usual, act_within, size)
            finally:
                with suppress(OSError):
                    self.settimeout(usual)

        def recv_into(self, *args: Any, **options: Any) -> int:
            receive = super().recv_into
            return self._limit(lambda: receive(*args, **options), lambda count: count)

        def sendall(self, data: Any, *args: Any) -> None:
            send = super().sendall
            self._limit(lambda: send(data, *args), lambda _: len(data))

    return LimitedSocket


class _Limited:
    """A connection of the client library whose waits are limited."""

    timeout: Any
    sock: Any
    _dns_host: str
    port: int

    def connect(self) -> None:
        def connect(seconds: float | None) -> None:
            self.timeout = seconds
            super(_Limited, self).connect()  # type: ignore[misc]

        _spend(self.timeout, connect, lambda _: 0)
        kind: Any = type(self.sock)
        self.sock.__class__ = _limited(kind)

    def _new_conn(self) -> socket.socket:
        """Connect by whichever of the server's addresses, all of them together in `timeout`.

        urllib3 gives each of them as long, of which a bucket may have eight; and then TLS again.
        """
        connect: Callable[[], socket.socket] = super()._new_conn  # type: ignore[misc]
        if web_limit() is None:
            return connect()
        end, name = time.monotonic() + self.timeout, self._dns_host
        found = socket.getaddrinfo(name, self.port, type=socket.SOCK_STREAM)
        addresses = list(dict.fromkeys(str(each[4][0]) for each in found))
        try:
            for left in range(len(addresses), 0, -1):
                self._dns_host = addresses[-left]
                self.timeout = max(SHORT, end - time.monotonic()) / left
                with suppress(*(FAILED if left > 1 else ())):
                    connection = connect()
                    connection.settimeout(max(SHORT, end - time.monotonic()))
                    return connection
        finally:
            self._dns_host = name
        raise AssertionError("unreachable")


class _Connection(_Limited, AWSHTTPConnection):
    pass


class _SecureConnection(_Limited, AWSHTTPSConnection):
    pass


def install() -> None:
    """Have the client library use these connections."""
    AWSHTTPConnectionPool.ConnectionCls = _Connection
    AWSHTTPSConnectionPool.ConnectionCls = _SecureConnection
