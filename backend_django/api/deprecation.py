"""Marking of views that a later version of the API removes."""

import datetime
from dataclasses import dataclass
from typing import Any

from django.utils.http import http_date


@dataclass(frozen=True)
class Deprecation:
    """Of a view, as its `deprecated`: in the document, and in the headers of each response.

    Args:
        since: the day from which new code should do without (`Deprecation`, RFC 9745).
        gone: the first day on which it may not be there (`Sunset`, RFC 8594).
        about: the URL of what to use in its place, if there is one.
    """

    since: datetime.date
    gone: datetime.date
    about: str = ""

    @property
    def headers(self) -> dict[str, str]:
        headers = {
            "Deprecation": f"@{_seconds(self.since)}",
            "Sunset": http_date(_seconds(self.gone)),
        }
        if self.about:
            headers["Link"] = f'<{self.about}>; rel="deprecation"'
        return headers


def deprecation_of(view: Any) -> Deprecation | None:
    """Return what a view, its class or its instance, says about itself."""
    found = getattr(getattr(view, "cls", view), "deprecated", None)
    return found if isinstance(found, Deprecation) else None


def _seconds(day: datetime.date) -> int:
    return int(datetime.datetime.combine(day, datetime.time(), datetime.UTC).timestamp())
