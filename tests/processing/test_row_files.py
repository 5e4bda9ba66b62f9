"""Files of rows while several people edit them, by the example that has some."""

import pytest
from django.core.files.storage import default_storage

from backend_django.bookings.models import Instrument
from backend_django.bookings.services import instrument_update
from backend_django.bookings.tests.factories import make_instrument
from backend_django.uploads.models import Upload
from backend_django.users.models import User
from tests.rows import make_file

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
