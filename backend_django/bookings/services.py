"""The only writers of the models. What they are given was read by a serializer."""

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from backend_django.api.writes import conflict_if_used, row_create, row_update
from backend_django.uploads.models import Upload
from backend_django.uploads.rows import files_keep
from backend_django.users.models import User
from backend_django.utils.messages import Message

from .models import Booking, Instrument


def booking_create(
    *,
    owner: User,
    purpose: str,
    instrument: Instrument,
    period_start: datetime,
    period_end: datetime,
    state: str = Booking.State.REQUESTED,
    guests: int = 0,
    supervised: bool = False,
    reminder: datetime | None = None,
    remarks: str = "",
) -> Booking:
    """Create a booking.

    Raises:
        ValidationError: a constraint of the table refuses a value.
    """
    return row_create(
        Booking,
        owner=owner,
        purpose=purpose,
        instrument=instrument,
        period_start=period_start,
        period_end=period_end,
        state=state,
        guests=guests,
        supervised=supervised,
        reminder=reminder,
        remarks=remarks,
    )


def booking_update(*, booking: Booking, **changes: Any) -> None:
    """Change some fields of a booking.

    Raises:
        ValidationError: a constraint of the table refuses a value.
    """
    row_update(booking, changes)


def booking_delete(*, booking: Booking) -> None:
    """Remove a booking.

    Raises:
        Conflict: it is in use.
    """
    with conflict_if_used(Message("This booking is in use. Delete what uses it first.")):
        booking.delete()


def instrument_create(
    *,
    owner: User,
    title: str,
    inventory: str,
    picture: Upload | None = None,
    hourly_rate: Decimal = Decimal("0"),
    alternatives: Iterable[Instrument] = (),
    precision: float | None = None,
    acquired: date | None = None,
    website: str = "",
    contact: str = "",
    manual: Upload | None = None,
    specification: Any = None,
) -> Instrument:
    """Create an instrument.

    Raises:
        ValidationError: a constraint of the table refuses a value.
        NotFound: a file has expired.
    """
    instrument = row_create(
        Instrument,
        owner=owner,
        title=title,
        inventory=inventory,
        picture=picture,
        hourly_rate=hourly_rate,
        alternatives=alternatives,
        precision=precision,
        acquired=acquired,
        website=website,
        contact=contact,
        manual=manual,
        specification={} if specification is None else specification,
    )
    files_keep(row=instrument)
    return instrument


def instrument_update(*, instrument: Instrument, **changes: Any) -> None:
    """Change some fields of an instrument.

    Raises:
        ValidationError: a constraint of the table refuses a value.
        NotFound: a file has expired.
    """
    row_update(instrument, changes)
    files_keep(row=instrument)


def instrument_delete(*, instrument: Instrument) -> None:
    """Remove an instrument.

    Raises:
        Conflict: it is in use.
    """
    with conflict_if_used(Message("This instrument is in use. Delete what uses it first.")):
        instrument.delete()
