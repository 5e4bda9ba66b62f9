"""Calls to services of others, which are slow, away or busy now and then.

`Context.http()` gives a `requests.Session` that tries again with growing, jittered pauses, heeds
Retry-After, keeps to a time budget, and writes every try into the request's history.
"""

import time
from collections.abc import Callable
from typing import Any, cast
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import Retry
from urllib3.connectionpool import ConnectionPool
from urllib3.exceptions import MaxRetryError

from .errors import ProcessingError

TRY_AGAIN = (429, 500, 502, 503, 504)
CONNECT_SECONDS = 5
READ_SECONDS = 30
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30

Record = Callable[[dict[str, Any]], None]


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
        following = super().increment(method, url, response, **kw)
        pause = following.get_retry_after(response) if response is not None else None
        if time.monotonic() + (pause or following.get_backoff_time()) > self.deadline:
            raise MaxRetryError(cast(ConnectionPool, kw.get("_pool")), url or "", None)
        return following


class OutsideSession(requests.Session):
    """A session for one attempt at one request.

    Args:
        budget_seconds: for all calls together, pauses included.
        record: told of each try: method, host, status or error, seconds when it worked.
    """

    def __init__(self, *, budget_seconds: float, record: Record) -> None:
        super().__init__()
        self._deadline = time.monotonic() + budget_seconds
        self._record = record

    def request(self, method: Any, url: Any, *args: Any, **kwargs: Any) -> requests.Response:
        """Like requests' own, but raises ProcessingError when the service cannot be had.

        GET, HEAD, PUT, DELETE and OPTIONS are tried again; POST and PATCH are not: nobody knows
        whether the first one was heard.
        """
        host = urlsplit(str(url)).netloc.rpartition("@")[2]
        policy = _Budget(
            total=None,
            status=8,
            connect=8,
            read=4,
            backoff_factor=FIRST_PAUSE_SECONDS,
            backoff_max=LONGEST_PAUSE_SECONDS,
            backoff_jitter=FIRST_PAUSE_SECONDS,
            status_forcelist=TRY_AGAIN,
            respect_retry_after_header=True,
        )
        policy.deadline, policy.record, policy.host = self._deadline, self._record, host
        adapter = HTTPAdapter(max_retries=policy)
        self.mount("https://", adapter)
        self.mount("http://", adapter)
        kwargs.setdefault("timeout", (CONNECT_SECONDS, READ_SECONDS))
        began = time.monotonic()
        try:
            response = super().request(method, url, *args, **kwargs)
        except (requests.ConnectionError, requests.Timeout, requests.exceptions.RetryError) as err:
            raise ProcessingError(
                "service_unavailable",
                f"The service at {host} did not answer as it should. Try again later.",
            ) from err
        seconds = round(time.monotonic() - began, 3)
        outcome = response.status_code
        self._record(
            {"method": str(method).upper(), "host": host, "outcome": outcome, "seconds": seconds}
        )
        return response
