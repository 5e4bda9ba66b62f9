"""Limits on attempts. allauth counts them in a table, so they hold when Redis is away."""

import time

from allauth.core.internal import ratelimit
from django.core.cache import cache
from django.http import HttpRequest

from backend_django.audit.services import Outcome, event_record
from backend_django.utils.errors import LimitReached

from .models import User

APP = "allauth.account"


def limit(
    request: HttpRequest, action: str, *, key: str | None = None, user: User | None = None
) -> None:
    """Count one attempt of an action of ACCOUNT_RATE_LIMITS.

    Raises:
        LimitReached: there were too many.
    """
    if not is_within_limit(request, action, key=key, user=user):
        email = user.email if user else (key or "")
        event_record(event=action, outcome=Outcome.BLOCKED, email=email)
        raise LimitReached(retry_after=seconds_to_wait(request, action, key=key, user=user))


def is_within_limit(
    request: HttpRequest, action: str, *, key: str | None = None, user: User | None = None
) -> bool:
    """Count one attempt, and return whether it was not one too many."""
    return bool(ratelimit.consume(request, app=APP, action=action, key=key, user=user))


def seconds_to_wait(
    request: HttpRequest, action: str, *, key: str | None = None, user: User | None = None
) -> float:
    """Return when the next attempt will be let in: when the oldest one that counts is forgotten."""
    waits = [1.0]
    for rate in ratelimit.get_rates(app=APP, action=action):
        attempts = cache.get(
            ratelimit.get_cache_key(request, app=APP, action=action, rate=rate, key=key, user=user),
            [],
        )
        if len(attempts) >= rate.amount:
            waits.append(attempts[-1] + rate.duration - time.time())
    return max(waits)
