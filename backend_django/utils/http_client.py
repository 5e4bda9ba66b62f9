"""An HTTP client for services of others, which are slow, away or busy now and then.

`HttpSession` is a `requests.Session` that tries again with growing, jittered pauses, heeds
Retry-After, keeps to a time budget, and reports every try. `post_once` makes a single call, for
those who try again by themselves. Both call public addresses only, however a name is resolved or
redirected: a URL may come from a user.
"""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from ipaddress import ip_address
from typing import Any, NamedTuple, cast
from urllib.parse import urlsplit

import requests
from django.conf import settings
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, Retry
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import ConnectionPool
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    InvalidHeader,
    MaxRetryError,
    NameResolutionError,
)
from urllib3.exceptions import NewConnectionError as NoConnectionError

from backend_django.utils.messages import Message

from .errors import AddressRefused, ResponseTooLarge, ServiceError, ServiceUnavailable

TRY_AGAIN = (429, 500, 502, 503, 504)
CONNECT_SECONDS = 5
READ_SECONDS = 30
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30

Record = Callable[[dict[str, Any]], None]


class _Watch:
    """An open connection, and its deadline."""

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.opened: list[socket.socket] = []

    def add(self, connected: socket.socket) -> None:
        self.opened.append(connected.dup())  # TLS takes the other one over
        if time.monotonic() >= self.deadline:  # the timer may have come before
            self.shut_down()

    def shut_down(self) -> None:
        for connected in self.opened:
            with suppress(OSError):
                connected.shutdown(socket.SHUT_RDWR)


_watch: ContextVar[_Watch | None] = ContextVar("watch", default=None)


@contextmanager
def _limit_until(deadline: float) -> Iterator[None]:
    """Shut down, at a time of the monotonic clock, what was connected inside.

    Timeouts of sockets are for one read each: a server that sends a byte now and then never meets
    them. Inside of another one, that one's time holds.
    """
    if _watch.get() is not None:
        yield
        return
    watch = _Watch(deadline)
    timer = threading.Timer(max(0.0, deadline - time.monotonic()), watch.shut_down)
    timer.daemon = True
    timer.start()
    token = _watch.set(watch)
    try:
        yield
    finally:
        _watch.reset(token)
        timer.cancel()
        timer.join()
        for connected in watch.opened:
            connected.close()


class _Budget(Retry):
    """urllib3's policy, which ends when the time does, and tells of each try that failed."""

    deadline: float
    record: Record
    host: str

    def new(self, **kwargs: Any) -> "_Budget":
        made = super().new(**kwargs)
        made.deadline, made.record, made.host = self.deadline, self.record, self.host
        return made

    def increment(  # type: ignore[override]
        self, method: str | None = None, url: str | None = None, response: Any = None, **kw: Any
    ) -> "_Budget":
        outcome = response.status if response is not None else type(kw.get("error")).__name__
        self.record({"method": method, "host": self.host, "outcome": outcome})
        if response is not None:
            response.close()  # before a pause the rest would be read, of any length
        following = super().increment(method, url, response, **kw)
        pause = following.get_retry_after(response) if response is not None else None
        if time.monotonic() + (pause or following.get_backoff_time()) > self.deadline:
            raise MaxRetryError(cast(ConnectionPool, kw.get("_pool")), url or "", None)
        return following

    def get_retry_after(self, response: Any) -> float | None:
        try:
            return super().get_retry_after(response)
        except (InvalidHeader, ValueError, OverflowError):  # "1.5", "60s", the year 99999
            return None


def is_public(address: str) -> bool:
    """Return whether an IP address is on the internet, not of this machine or its network."""
    parsed = ip_address(address.partition("%")[0])
    odd = ("is_multicast", "is_reserved", "is_site_local", "sixtofour")  # "global" to Python
    return parsed.is_global and not any(getattr(parsed, name, None) for name in odd)


def _addresses(host: str, port: int) -> list[str]:
    """Resolve a name, once: what is checked is what is connected to.

    Raises:
        AddressRefused: it leads into our own network, and HTTP_CLIENT_INTERNAL_HOSTS has no such
            name.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(row[4][0]) for row in found))
    allowed = {name.lower() for name in settings.HTTP_CLIENT_INTERNAL_HOSTS}
    if allowed & {host.lower(), f"{host}:{port}".lower()} or all(map(is_public, addresses)):
        return addresses
    raise AddressRefused(
        Message(
            "%(host)s is not a public address, so it is not called. Use a public "
            "one, or ask whoever runs this server to allow it.",
            host=host,
        )
    )


class _Checked(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        name, failure = self._dns_host, None
        try:
            addresses = _addresses(self.host, self.port)
        except (socket.gaierror, UnicodeError) as error:
            raise NameResolutionError(name, self, cast(socket.gaierror, error)) from error
        try:
            for self._dns_host in addresses:
                try:
                    connected = super()._new_conn()
                except (NoConnectionError, ConnectTimeoutError) as error:
                    failure = error
                else:
                    if watch := _watch.get():
                        watch.add(connected)
                    return connected
        finally:
            self._dns_host = name  # certificates are for the name
        assert failure is not None  # noqa: S101 (a name that is resolved has an address)
        raise failure


class _CheckedTLS(_Checked, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Checked


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = _CheckedTLS


class _Limited(requests.Response):
    """A response that ends with an error where it is too long, unpacked."""

    max_bytes: int

    def iter_content(self, *args: Any, **kwargs: Any) -> Iterator[Any]:
        received = 0
        try:
            for chunk in super().iter_content(*args, **kwargs):
                received += len(chunk)
                if received > self.max_bytes:
                    raise self._too_large()
                yield chunk
        except (requests.RequestException, ServiceError):
            self.close()  # else the rest of a redirect that is garbled is read, of any length
            raise

    def _too_large(self) -> ResponseTooLarge:
        return ResponseTooLarge(
            Message(
                "The response of %(host)s has more than %(max_bytes)s bytes, which is "
                "the most that is read. Ask it for less.",
                host=_host(self.url),
                max_bytes=self.max_bytes,
            )
        )


class _Adapter(HTTPAdapter):
    def __init__(self, *, max_bytes: int, **options: Any) -> None:
        self._max_bytes = max_bytes
        super().__init__(**options)

    def build_response(self, *args: Any) -> requests.Response:
        response = super().build_response(*args)
        response.__class__ = _Limited  # requests makes its own, and reads redirects with it
        cast(_Limited, response).max_bytes = self._max_bytes
        return response

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TLSPool}


class HttpSession(requests.Session):
    """A session for calls that belong together and share a time budget.

    Args:
        budget_seconds: for all calls together, pauses included.
        record: told of each try: method, host, status or error, seconds when it worked.
        max_bytes: of one response, unpacked; None: HTTP_CLIENT_MAX_RESPONSE_BYTES.
        retry: whether to try again what may be.
    """

    def __init__(
        self,
        *,
        budget_seconds: float,
        record: Record = lambda call: None,
        max_bytes: int | None = None,
        retry: bool = True,
    ) -> None:
        super().__init__()
        self._max_bytes = (
            settings.HTTP_CLIENT_MAX_RESPONSE_BYTES if max_bytes is None else max_bytes
        )
        self.trust_env = False  # a proxy of the environment would do the call, and check nothing
        self._deadline = time.monotonic() + budget_seconds
        self._record = record
        self._tries = 8 if retry else 0

    def request(self, method: Any, url: Any, *args: Any, **kwargs: Any) -> requests.Response:
        """Like requests' own, but raises the errors below, and ends with the budget.

        GET, HEAD, PUT, DELETE and OPTIONS are tried again; POST and PATCH are not: nobody knows
        whether the first one was heard.

        Raises:
            AddressRefused: it is not a URL of a public address.
            ServiceUnavailable: the service did not respond, also when it was tried again.
            ResponseTooLarge: it says too much.
        """
        try:
            host = _host(str(url))
        except ValueError as error:
            raise _not_callable(url) from error
        policy = _Budget(
            total=None,
            status=self._tries,
            connect=self._tries,
            read=self._tries // 2,
            backoff_factor=FIRST_PAUSE_SECONDS,
            backoff_max=LONGEST_PAUSE_SECONDS,
            backoff_jitter=FIRST_PAUSE_SECONDS,
            status_forcelist=TRY_AGAIN,
            respect_retry_after_header=True,
        )
        policy.deadline, policy.record, policy.host = self._deadline, self._record, host
        adapter = _Adapter(max_retries=policy, max_bytes=self._max_bytes)
        self.mount("https://", adapter)
        self.mount("http://", adapter)
        kwargs.setdefault("timeout", (CONNECT_SECONDS, READ_SECONDS))
        began = time.monotonic()
        try:
            with _limit_until(self._deadline):
                response = super().request(method, url, *args, **kwargs)
        except requests.exceptions.InvalidHeader as error:
            raise _unavailable(host) from error
        except (ValueError, requests.TooManyRedirects) as error:
            # requests' errors about an address are ValueErrors
            raise _not_callable(url) from error
        except ServiceError:
            self._record({"method": str(method).upper(), "host": host, "outcome": "refused"})
            raise
        except requests.RequestException as error:
            raise _unavailable(host) from error
        seconds = round(time.monotonic() - began, 3)
        outcome = response.status_code
        self._record(
            {"method": str(method).upper(), "host": host, "outcome": outcome, "seconds": seconds}
        )
        return response


class Reply(NamedTuple):
    """A service's response: the status, and the beginning of the body."""

    status: int
    body: str


def post_once(
    url: str, *, body: bytes, headers: dict[str, str], seconds: float, max_bytes: int
) -> Reply:
    """Make one call. It is not tried again, no redirect is followed, and it ends in time.

    Args:
        max_bytes: how much of the response is read and returned; the rest is left.

    Raises:
        AddressRefused: it is not a URL of a public address.
        ServiceUnavailable: the service did not respond.
    """
    session = HttpSession(budget_seconds=seconds, retry=False)
    with session, _limit_until(time.monotonic() + seconds):
        response = session.post(
            url,
            data=body,
            headers=headers | {"Accept-Encoding": "identity"},
            timeout=seconds,
            allow_redirects=False,
            stream=True,
        )
        beginning = b""
        with response, suppress(HTTPError, OSError):  # the status is what counts
            beginning = response.raw.read(max_bytes, decode_content=False)
    return Reply(response.status_code, beginning.decode("utf-8", "replace"))


def _not_callable(url: Any) -> AddressRefused:
    return AddressRefused(
        Message("%(value)s is not a URL that can be called.", value=str(url)[:200])
    )


def _unavailable(host: str) -> ServiceUnavailable:
    return ServiceUnavailable(
        Message("The service at %(host)s did not respond as it should. Try again later.", host=host)
    )


def _host(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2]
