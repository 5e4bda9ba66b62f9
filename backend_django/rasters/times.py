"""The acquisition time of a raster's pixels."""

import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

_SECONDS = {"second": 1, "sec": 1, "minute": 60, "min": 60, "hour": 3600, "hr": 3600, "day": 86400}
_SINCE = re.compile(
    r"(?P<unit>[a-z]+?)s? since (?P<date>[0-9]{1,4}-[0-9]{1,2}-[0-9]{1,2})"
    r"([T ]+(?P<time>[0-9]{1,2}:[0-9]{1,2}(:[0-9]{1,2})?)([.][0-9]*)?)?( *(Z|UTC|[+]?0?0:?00))?",
    re.IGNORECASE,
)
_CALENDARS = {"standard", "gregorian", "proleptic_gregorian"}
_FIRST_YEAR = 1583  # from which on these calendars agree


def find_acquired_at(dataset: Any) -> str | None:
    """Return when the pixels were taken, as the file says, in RFC 3339; UTC where it names no zone.

    GDAL's item of the domain IMAGERY is of the acquisition, and so is netCDF's time, of the first
    band. TIFF's is of the making of the image, which is the best there is where it is alone.
    """
    moment = _read_tag(dataset, "IMAGERY", "ACQUISITIONDATETIME") or _netcdf_time(dataset)
    moment = moment or _read_tag(dataset, None, "TIFFTAG_DATETIME")
    return moment.isoformat().replace("+00:00", "Z") if moment else None


def _read_tag(dataset: Any, domain: str | None, name: str) -> datetime | None:
    with suppress(ValueError, OverflowError):  # UnicodeDecodeError is one
        text = dataset.tags(ns=domain).get(name, "").strip()
        date, _, time = text.replace("T", " ").partition(" ")
        moment = datetime.fromisoformat(f"{date.replace(':', '-')} {time}".strip())
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    return None


def _netcdf_time(dataset: Any) -> datetime | None:
    """Return the time of the first band (CF conventions 1.11, section 4.4)."""
    with suppress(ValueError, OverflowError):
        tags, value = dataset.tags(), dataset.tags(1).get("NETCDF_DIM_time")
        since = _SINCE.fullmatch(tags.get("time#units", "").strip())
        if not (value and since and tags.get("time#calendar", "standard").lower() in _CALENDARS):
            return None
        year, month, day = map(int, since["date"].split("-"))
        hour, minute, second, *_ = [*map(int, (since["time"] or "0:0:0").split(":")), 0]
        if year >= _FIRST_YEAR and since["unit"].lower() in _SECONDS:
            begin = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
            return begin + timedelta(seconds=float(value) * _SECONDS[since["unit"].lower()])
    return None
