"""Announce changes: ids go into a short log of the user in Redis, and a message rings for it.

Nothing waits for this and nothing fails by it. What could not be announced makes the pages of its
users read everything anew, as soon as the server is back.
"""

import logging
import os
import time
from collections.abc import Iterable, Sequence
from functools import cache
from threading import Lock, Thread
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import redis
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction

from backend_django.policies import people
from backend_django.utils.breaker import Breaker
from backend_django.utils.on_commit import gather_on_commit

logger = logging.getLogger(__name__)
KEPT_SECONDS = 3600
TIMEOUT = 0.5  # seconds
IDS_PER_ENTRY = 100
MAX_MISSED = 10_000  # users to remember
RESET = "reset"  # in place of a topic: read everything anew

_breaker = Breaker()
_missed: set[Any] = set()
_missed_lock = Lock()
_teller: Thread | None = None


class Change(NamedTuple):
    """A change to announce, and the users to tell (`publish_on_commit`)."""

    user_ids: Sequence[Any]
    topic: str
    ids: list[Any]


def publish_on_commit(*, user_ids: Iterable[Any], topic: str, ids: Sequence[Any] = ("",)) -> None:
    """Announce a change as soon as the present transaction is committed.

    Args:
        user_ids: of the users or, of what belongs to an account, of the owner: whoever sees that is
            told, as of the moment of telling.
        ids: of what changed; topics that have only one thing for each user need none.
    """
    if not settings.LIVE_EVENTS:
        return
    gather_on_commit(publish_all, [Change(list(user_ids), topic, list(ids))])


def publish_to_all_on_commit() -> None:
    """Have every page that is open read everything anew, once the present transaction is committed.

    One that is just coming back reads it anyway.
    """
    if settings.LIVE_EVENTS:
        transaction.on_commit(lambda: publish(user_ids=_listening(), topic=RESET), robust=True)


def _listening() -> list[Any]:
    """Return the ids of the users who have a stream: their bells are the channels of Redis."""
    if not _breaker.allows():
        return []
    try:
        channels: list[Any] = _client(os.getpid()).pubsub_channels(bell("*"))
    except redis.RedisError as error:
        _breaker.record_timeout()
        logger.warning("a change was not announced: %s", type(error).__name__)
        return []
    named = (channel.decode().removeprefix(bell("")) for channel in channels)
    return [get_user_model()._meta.pk.to_python(user_id) for user_id in named if user_id]


def publish(*, user_ids: Sequence[Any], topic: str, ids: Sequence[Any] = ("",)) -> None:
    """Announce a change now. Never raises for a server that does not respond."""
    publish_all([Change(user_ids, topic, list(ids))])


def publish_all(changes: Iterable[Change]) -> None:
    """Announce changes now, in one trip."""
    ids: dict[tuple[Any, ...], list[Any]] = {}
    for change in changes:
        ids.setdefault((change.topic, *change.user_ids), []).extend(change.ids)
    changes = [
        Change(people(user_ids), topic, list(dict.fromkeys(changed)))
        for (topic, *user_ids), changed in ids.items()
        if user_ids and changed
    ]
    if not changes:
        return
    if _breaker.allows():
        _tell(changes)
    else:
        _miss(_everybody(changes))


def _everybody(changes: Iterable[Change]) -> dict[Any, None]:
    """Return each user of the changes once, in their order."""
    return {user_id: None for change in changes for user_id in change.user_ids}


def _tell(changes: Sequence[Change]) -> None:
    """Announce changes, and to those who missed earlier ones that they did."""
    missed = _take_missed()
    changes = [Change(missed, RESET, [""]), *changes]
    try:
        pipeline = _client(os.getpid()).pipeline(transaction=False)
        for user_ids, topic, ids in changes:
            for start in range(0, len(ids), IDS_PER_ENTRY):
                some = " ".join(map(str, ids[start : start + IDS_PER_ENTRY]))
                entry: Any = {"topic": topic, "ids": some}
                for user_id in user_ids:
                    pipeline.xadd(log_key(user_id), entry, maxlen=settings.LIVE_REPLAY)
        for user_id in _everybody(changes):
            pipeline.expire(log_key(user_id), KEPT_SECONDS)
            pipeline.publish(bell(user_id), "")
        pipeline.execute()
    except redis.RedisError as error:
        _breaker.record_timeout()
        _miss(_everybody(changes))
        logger.warning("a change was not announced: %s", type(error).__name__)
    else:
        _breaker.record_answer()


def log_key(user_id: Any) -> str:
    """Return the key of the log of a user's changes."""
    return f"events:{user_id}"


def bell(user_id: Any) -> str:
    """Return the channel that rings when there is something new in a user's log.

    Channels are not kept apart by the number of the database, as keys are.
    """
    return f"{urlsplit(settings.REDIS_URL).path}:{log_key(user_id)}"


@cache
def _client(_process: int) -> "redis.Redis":
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_connect_timeout=TIMEOUT, socket_timeout=TIMEOUT
    )


def _miss(user_ids: Iterable[Any]) -> None:
    global _teller
    with _missed_lock:
        if len(_missed) < MAX_MISSED:
            _missed.update(user_ids)
        if _teller is None or not _teller.is_alive():  # it does not live on in a forked process
            _teller = Thread(target=_tell_missed, name="live-missed", daemon=True)
            _teller.start()


def _tell_missed() -> None:
    """Try again until all know: this process may have nothing else to announce for a long time."""
    global _teller
    while True:
        time.sleep(_breaker.pause)
        with _missed_lock:
            if not _missed:
                _teller = None
                return
        if _breaker.allows():
            _tell(())


def _take_missed() -> list[Any]:
    with _missed_lock:
        taken = list(_missed)
        _missed.clear()
        return taken
