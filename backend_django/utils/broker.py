"""The Redis transport of kombu, which goes on when it reads a message that is not Celery's.

What is no JSON, or JSON of another form, would end the worker's main process and all its jobs.
"""

import logging
from queue import Empty
from typing import Any

from kombu.transport import TRANSPORT_ALIASES, redis

logger = logging.getLogger(__name__)


class Channel(redis.Channel):
    def _brpop_read(self, **options: Any) -> Any:
        try:
            return super()._brpop_read(**options)  # type: ignore[misc]
        except (ValueError, KeyError, TypeError, AttributeError):
            logger.exception("a message that is not Celery's was dropped")
            raise Empty from None  # as if there had been none


class Transport(redis.Transport):
    Channel = Channel


def install() -> None:
    """Use it for every `redis://` and `rediss://` address."""
    for scheme in ("redis", "rediss"):
        TRANSPORT_ALIASES[scheme] = f"{__name__}:Transport"
