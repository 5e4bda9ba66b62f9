"""Declarations of a processor about when its jobs run, and how often."""

import hashlib
import json
import random
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def hours(count: float) -> timedelta:
    return timedelta(hours=count)


def megabytes(count: float) -> int:
    return round(count * 1024**2)


def gigabytes(count: float) -> int:
    return megabytes(count * 1024)


@dataclass(frozen=True)
class Retry:
    """Try a job again by itself when it fails in a way that may pass.

    Args:
        times: how often, after the first try.
        on: exceptions, and codes of ProcessingErrors, that are worth it.
        backoff: seconds before the first retry, and the most that there may be; each pause is about
            twice the one before.
    """

    times: int
    on: Collection[type[Exception] | str]
    backoff: tuple[float, float] = (5, 300)

    def pause(self, error: BaseException, code: str, retries: int) -> float | None:
        """Return the seconds to wait after an error; None to leave it at that.

        Args:
            retries: how many there were.
        """
        kinds = tuple(kind for kind in self.on if isinstance(kind, type))
        if retries >= self.times or not (code in self.on or isinstance(error, kinds)):
            return None
        first, most = self.backoff
        # Not all at once: what failed together would fail together again.
        return min(most, first * 2**retries) * random.uniform(0.8, 1.2)  # noqa: S311 # nosec B311


@dataclass(frozen=True)
class Unique:
    """Have one request at a time, not yet over, of a person and these parameters.

    Args:
        parameters: whose values tell requests apart; all when None.
        debounce: wait this long after the last of several calls before the one request begins.
    """

    parameters: Collection[str] | None = None
    debounce: timedelta | None = None

    def key(self, parameters: Mapping[str, Any], files: Mapping[str, Any]) -> str:
        """Return what two requests have in common that are the same, 64 characters."""
        told = {
            name: value
            for name, value in parameters.items()
            if self.parameters is None or name in self.parameters
        }
        same = [told, files if self.parameters is None else {}]
        text = json.dumps(same, sort_keys=True, cls=DjangoJSONEncoder)
        return hashlib.sha256(text.encode()).hexdigest()
