"""Rows and their files while several people change them, by the example that has some."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.db import connection, transaction
from django.utils import timezone
from rest_framework.exceptions import ValidationError

from backend_django.bookings.models import Booking, Instrument
from backend_django.bookings.services import (
    booking_create,
    instrument_delete,
    instrument_update,
)
from backend_django.bookings.tests.factories import make_instrument
from backend_django.uploads.models import Upload
from backend_django.users.models import User
from backend_django.utils.errors import Conflict
from tests.rows import make_file
from tests.stack import wait_for

pytestmark = pytest.mark.usefixtures("own_folders")


def test_an_edit_keeps_the_file_that_another_has_just_added(user: User) -> None:
    key = make_instrument(user, picture=None, manual=None).id
    for field in ("picture", "manual"):  # the first file of a row, and one more
        adds, renames = Instrument.objects.get(id=key), Instrument.objects.get(id=key)
        upload = Upload.objects.get(id=make_file(user, "bookings"))
        instrument_update(instrument=adds, **{field: upload})
        instrument_update(instrument=renames, title="Renamed")
        assert getattr(Instrument.objects.get(id=key), field) == upload
        assert default_storage.exists(upload.file_name)


def meanwhile(first: Callable[[], Any], second: Callable[[], Any]) -> None:
    """Do the second while the first is not committed yet; raise what it raises."""

    def other() -> None:
        try:
            second()
        finally:
            connection.close()

    def waits() -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            return bool(cursor.fetchone()[0]) or doing.done()

    with ThreadPoolExecutor(1) as elsewhere:
        with transaction.atomic():
            first()
            doing = elsewhere.submit(other)
            wait_for(waits, what="it waits for the first")
        doing.result()


@pytest.mark.django_db(transaction=True)
def test_what_is_booked_meanwhile_is_not_deleted_and_the_other_way_round(user: User) -> None:
    """Keys are checked at the commit, where nobody would say whose they are."""
    now = timezone.now()

    def book(instrument: Instrument) -> Booking:
        end = now + timedelta(hours=1)
        return booking_create(
            owner=user, purpose="Lines", instrument=instrument, period_start=now, period_end=end
        )

    booked, deleted = make_instrument(user), make_instrument(user)
    same = Instrument.objects.get(id=deleted.id)
    with pytest.raises(Conflict, match="in use"):
        meanwhile(lambda: book(booked), lambda: instrument_delete(instrument=booked))
    with pytest.raises(ValidationError) as refused:
        meanwhile(lambda: instrument_delete(instrument=deleted), lambda: book(same))
    assert refused.value.get_codes() == {"instrument": "does_not_exist"}
