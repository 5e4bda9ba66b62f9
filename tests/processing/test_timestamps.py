"""Points in time come out of PostgreSQL as Django's own loader gives them."""

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.db.backends.postgresql.psycopg_any import register_tzloader
from django.db.utils import DataError

pytestmark = pytest.mark.django_db

TIMES = [
    "2026-11-30 13:34:28.123456+00",
    "2026-11-30 13:34:28.1+00",
    "2026-11-30 13:34:28+00",
    "2026-11-30 23:30:00.05-05:30",
    "0001-01-01 00:00:00+00",
    "9999-12-31 23:59:59.999999+00",
]


def load(text: str, *, by_django: bool = False) -> datetime:
    with connection.cursor() as cursor:
        if by_django:
            register_tzloader(connection.timezone, cursor)
        cursor.execute("SELECT %s::timestamptz", [text])
        (time,) = cursor.fetchone()
    assert isinstance(time, datetime)
    return time


@pytest.mark.parametrize("text", TIMES)
def test_a_point_in_time_is_the_one_that_django_loads(text: str) -> None:
    loaded = load(text)
    assert loaded.tzinfo is UTC
    assert (loaded, repr(loaded)) == (load(text, by_django=True), repr(load(text, by_django=True)))


@pytest.mark.parametrize("text", ["infinity", "-infinity", "0044-03-15 12:00+00 BC", "12026-01-01"])
def test_what_python_has_no_time_for_is_an_error(text: str) -> None:
    with pytest.raises(DataError, match="timestamp"):
        load(text)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Europe/London"])
@pytest.mark.parametrize("hour", range(4))
def test_in_sessions_whose_clocks_are_put_back(zone: str, hour: int) -> None:
    """One hour comes twice that day."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('TimeZone', %s, true)", [zone])
    text = f"2026-10-25 0{hour}:30+00"
    loaded, expected = load(text), load(text, by_django=True)
    assert (loaded, loaded.isoformat()) == (expected, expected.isoformat())
