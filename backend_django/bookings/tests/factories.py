"""Rows for tests, also for those of who may see what: tests/security/addresses.py."""

from typing import Any
from uuid import uuid4

from backend_django.users.models import User
from tests.rows import make_file, make_row, unique

from ..models import Booking, Instrument

SHARED: list[str] = []
ACCESS = {
    "GET /bookings/instruments/list/": "shared",
    "GET /bookings/instruments/detail/{id}/": "shared",
    "GET /bookings/instruments/download-picture/{id}/": "shared",
    "GET /bookings/instruments/download-manual/{id}/": "shared",
}


def booking_values(owner: User) -> dict[str, Any]:
    """Return what a booking is made of."""
    return {
        "purpose": "First lines",
        "instrument": str(make_instrument(owner).id),
        "period_start": "2026-03-01T08:00:00Z",
        "period_end": "2026-03-02T08:00:00Z",
        "state": "requested",
        "guests": 1,
        "supervised": False,
        "reminder": "2026-03-01T07:00:00Z",
        "remarks": "First lines.",
    }


def make_booking(owner: User, **given: Any) -> Booking:
    """Return a booking."""
    return make_row(Booking, owner, booking_values(owner) | given)


def instrument_values(owner: User) -> dict[str, Any]:
    """Return what an instrument is made of."""
    return {
        "title": "First lines",
        "inventory": unique("first"),
        "picture": make_file(owner, "bookings"),
        "hourly_rate": "12.50",
        "alternatives": [],
        "precision": 1.5,
        "acquired": "2026-03-01",
        "website": "https://example.org/first",
        "contact": "first@example.org",
        "manual": make_file(owner, "bookings", "first.txt", b"first"),
        "specification": [],
    }


def make_instrument(owner: User, **given: Any) -> Instrument:
    """Return an instrument."""
    return make_row(Instrument, owner, instrument_values(owner) | given)


def make_objects(owner: User) -> dict[str, str]:
    """Make a row of each model, in place of those made before; all have the same id."""
    Booking.objects.all().delete()
    Instrument.objects.all().delete()
    key = uuid4()
    make_instrument(owner, id=key)
    make_booking(owner, id=key)
    return {"id": str(key)}
