"""The cache, with a stand-in for the time Redis is away."""

import logging
import time
from collections.abc import Callable
from functools import cached_property
from typing import Any

from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

ASK_AGAIN_SECONDS = 5.0  # so that a Redis that hangs costs one request in a while its time-out
_stand_in = LocMemCache("redis-away", {})
_away_until = 0.0


def _with_stand_in(name: str) -> Callable[..., Any]:
    return _or_locally(getattr(RedisCacheClient, name), getattr(_stand_in, name))


def _or_locally(redis: Callable[..., Any], local: Callable[..., Any]) -> Callable[..., Any]:

    def method(self: RedisCacheClient, *args: Any, **kwargs: Any) -> Any:
        global _away_until
        if time.monotonic() >= _away_until:
            try:
                return redis(self, *args, **kwargs)
            except RedisError as error:
                _away_until = time.monotonic() + ASK_AGAIN_SECONDS
                logger.warning("the cache is away, this process counts alone: %s", error)
        return local(*args, **kwargs)

    return method


def _count(client: RedisCacheClient, key: str, timeout: int) -> int:
    redis = client.get_client(key, write=True)
    counted: int = redis.execute_command("INCR", key)  # without the layers of `incr`
    if counted == 1:
        redis.expire(key, timeout)
    return counted


def _count_locally(key: str, timeout: int) -> int:
    _stand_in.add(key, 0, timeout)
    return _stand_in.incr(key)


class _Client(RedisCacheClient):
    add, get, set, touch = map(_with_stand_in, ("add", "get", "set", "touch"))
    delete, incr, has_key = map(_with_stand_in, ("delete", "incr", "has_key"))
    get_many, set_many, delete_many, clear = map(
        _with_stand_in, ("get_many", "set_many", "delete_many", "clear")
    )
    count = _or_locally(_count, _count_locally)

    @cached_property
    def _redis(self) -> Any:
        return super().get_client()

    def get_client(self, *_: Any, **__: Any) -> Any:
        """Return one client, which Django makes anew for each command: that costs more than it."""
        return self._redis


class RedisOrLocalCache(RedisCache):
    """Django's Redis cache. While Redis is away each process has a cache of its own.

    What is counted here are attempts (rate limits). Without Redis they are still limited, by each
    process alone, and no request fails.
    """

    def __init__(self, server: str | list[str], params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._class = _Client

    def count(self, key: str, timeout: int) -> int:
        """Count one more and return how many there are, which is forgotten after `timeout` seconds.

        In one round trip; `add` and `incr` take three, and every call to the API is counted.
        """
        client: Any = self._cache
        return client.count(self.make_and_validate_key(key), timeout)
