"""Talk to the broker, which a web request does not wait for."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

from kombu.exceptions import OperationalError

from .breaker import Breaker
from .database_wait import web_limit

T = TypeVar("T")
SECONDS = 1.0
SHORTEST_SECONDS = 0.1  # where the database has used up what the request may wait

_breaker = Breaker(pause=2.0)
_sender = ThreadPoolExecutor(1, thread_name_prefix="broker")


def tell_broker(act: Callable[[], T]) -> T:
    """Run what talks to the broker; in a web request give up after a second.

    The row is the truth, a message only says that there is one: nothing is lost with it. So after
    one that was not sent the next ones are not tried for a moment.

    Raises:
        OperationalError, TimeoutError: the broker does not answer.
    """
    limit = web_limit()
    if limit is None:
        return act()
    if not _breaker.allows():
        raise OperationalError("the broker is not asked: it did not answer a moment ago")
    # In a thread: each of a dozen reads and writes may take as long as a socket waits.
    telling = _sender.submit(copy_context().run, act)
    try:
        result = telling.result(max(SHORTEST_SECONDS, min(SECONDS, limit.total_seconds)))
    except Exception:
        telling.cancel()
        _breaker.record_timeout()
        raise
    _breaker.record_answer()
    return result
