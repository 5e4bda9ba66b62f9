"""Rate limits: per user, and per IP address for everybody else."""

import math
import re
import time
from functools import cache
from typing import Any

from django.conf import settings
from django.core.cache import caches
from django.http import HttpRequest, HttpResponse
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from backend_django.utils.client import client_address
from backend_django.utils.errors import LimitReached
from backend_django.utils.translation import translate

from .problems import problem_response

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@cache
def parse_rate(text: str) -> tuple[int, int]:
    """Return (calls, seconds) of `600/m`, `10/s`, `1000/day`."""
    match = re.fullmatch(r"(\d+)/([smhd])\w*", text)
    if not match:
        raise ValueError(f"{text!r} is not a rate: write calls/period, for instance 600/minute")
    return int(match[1]), SECONDS[match[2]]


def seconds_to_wait(scope: str, who: str, rate: str) -> float:
    """Count one call and return 0, or the seconds until the next one is let in.

    Counts in windows of fixed length, by one atomic increment: parallel calls are all counted.
    """
    calls, key, seconds, left = _window(scope, who, rate)
    cache: Any = caches["redis"]  # utils/cache.py
    return left if cache.count(key, seconds) > calls else 0


def seconds_left_to_wait(scope: str, who: str, rate: str) -> float:
    """Return the same without counting."""
    calls, key, _, left = _window(scope, who, rate)
    return left if caches["redis"].get(key, 0) >= calls else 0


def _window(scope: str, who: str, rate: str) -> tuple[int, str, int, float]:
    """Return calls, key of the counter, length of the window and what is left of it."""
    calls, seconds = parse_rate(rate)
    now = time.time()
    window = int(now // seconds)
    return calls, f"rate:{scope}:{who}:{window}", seconds, (window + 1) * seconds - now


def throttled_response(wait: float) -> HttpResponse:
    """Return the answer to a call too many, from outside Django REST framework."""
    seconds = math.ceil(wait)
    error = LimitReached(retry_after=seconds)
    answer = problem_response(429, error.code, translate(error.message))
    answer["Retry-After"] = str(seconds)
    return answer


def count_tile(request: HttpRequest, user_id: int | None = None) -> HttpResponse | None:
    """Count a call of a plain view that draws, by API_RATES["tiles"]; return the answer to one too
    many.
    """
    who = f"user-{user_id}" if user_id else client_address(request)
    wait = seconds_to_wait("tiles", who, settings.API_RATES["tiles"])
    return throttled_response(wait) if wait else None


class _Throttle(BaseThrottle):
    scope = ""
    _wait: float = 0

    def identify(self, request: Request) -> str | None:
        raise NotImplementedError

    def allow_request(self, request: Request, view: Any) -> bool:
        who = self.identify(request)
        if who is not None:
            self._wait = seconds_to_wait(self.scope, who, settings.API_RATES[self.scope])
        return not self._wait

    def wait(self) -> float:
        return self._wait


class UserThrottle(_Throttle):
    """API_RATES["user"] for each signed-in user, whatever address they come from."""

    scope = "user"

    def identify(self, request: Request) -> str | None:
        return str(request.user.pk) if request.user and request.user.is_authenticated else None


class StreamThrottle(UserThrottle):
    """API_RATES["streams"] for each signed-in user: their pages all come back after a restart."""

    scope = "streams"


class AddressThrottle(_Throttle):
    """API_RATES["address"] for each address from which callers are not signed in."""

    scope = "address"

    def identify(self, request: Request) -> str | None:
        signed_in = request.user and request.user.is_authenticated
        return None if signed_in else client_address(request)
