"""The Redis transport of kombu, which goes on when it reads a message that is not Celery's.

What is no JSON, or JSON of another form, would end the worker's main process and all its jobs.
"""

import logging
from collections.abc import Mapping
from queue import Empty
from typing import Any

from celery import current_app
from kombu.exceptions import ChannelError
from kombu.transport import TRANSPORT_ALIASES, redis

logger = logging.getLogger(__name__)
# What reading one raises; a connection that is lost raises others.
ERRORS = (ValueError, LookupError, TypeError, AttributeError, RecursionError)
FORMS: dict[str, type] = {
    "task": str,
    "id": str,
    "retries": int,
    "timelimit": list,
    "stamped_headers": list,
    "stamps": dict,
}
DROPPED = "a message that is not Celery's was dropped"


def _check_headers(headers: Mapping[str, Any]) -> None:
    """Refuse what would end the worker only when the message is worked on, or has failed."""
    for name, form in FORMS.items():
        if not isinstance(headers.get(name), form | None):
            raise ValueError(f"{name} is {headers[name]!r:.100}")
    if not all(limit is None or limit > 0 for limit in headers.get("timelimit") or ()):
        raise ValueError(f"{headers['timelimit']!r:.100} are no time limits")


class Channel(redis.Channel):
    def _brpop_read(self, **options: Any) -> Any:
        try:
            return super()._brpop_read(**options)  # type: ignore[misc]
        except ERRORS:
            logger.exception(DROPPED)
            raise Empty from None  # as if there had been none

    def basic_consume(
        self, queue: Any, no_ack: Any, callback: Any, *place: Any, **options: Any
    ) -> Any:
        def consume(message: Any) -> None:
            try:
                _check_headers(message.headers)
                callback(message)
            except ERRORS:
                logger.exception(DROPPED)
                if not message.acknowledged:  # or it would take one of the worker's places for good
                    message.reject()

        return super().basic_consume(queue, no_ack, consume, *place, **options)


class Transport(redis.Transport):
    Channel = Channel


def message_count(queue: str) -> int:
    """Return how many messages wait in a queue."""
    with current_app.producer_or_acquire() as producer:
        producer.maybe_declare(current_app.amqp.queues[queue])
        try:
            declared = producer.channel.queue_declare(queue, passive=True)
        except ChannelError:  # a queue of Redis is not there while it is empty
            return 0
        return int(declared.message_count)


def install() -> None:
    """Use it for every `redis://` and `rediss://` address."""
    for scheme in ("redis", "rediss"):
        TRANSPORT_ALIASES[scheme] = f"{__name__}:Transport"
