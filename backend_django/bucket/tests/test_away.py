"""Every address of the API while the bucket is away."""

from typing import Any

import pytest
from django.test import Client

from backend_django.api.docs import document
from backend_django.processing.models import ProcessingResult
from backend_django.users.models import User
from tests.security.addresses import every_address, things_of
from tests.security.test_access import complete

from .server import Bucket

pytestmark = pytest.mark.slow

FILE = {"size": 10, "filename": "a.tif", "content_type": "image/tiff", "sha256": "abc"}


@pytest.mark.matrix
@pytest.mark.django_db(transaction=True)
def test_no_address_is_broken_by_it(bucket: Bucket, user: User, settings: Any) -> None:
    settings.PROCESSING_STREAM_DOWNLOADS = True
    document.cache_clear()
    client = Client(raise_request_exception=False)
    client.force_login(user)
    broken, away, calls = [], 0, []
    for address in every_address():
        if address.template.startswith("/auth/"):
            continue  # it ends sessions, and no file is behind it
        values = things_of(user, address) if "{" in address.template else {}
        if "id" in values:
            complete(values, address)
            for result in ProcessingResult.objects.filter(request__id=values["id"]):
                result.files = {key: file | FILE for key, file in result.files.items()}
                result.save()
        calls.append((address, values))
    bucket.stop()
    try:
        for address, values in calls:
            answer = address.call(client, values)
            if answer.status_code == 503:
                away += 1
                assert answer.json()["code"] == "storage_unavailable", address
                assert int(answer["Retry-After"]) > 0, address
            elif answer.exc_info and issubclass(answer.exc_info[0], OSError):
                broken.append(f"{answer.status_code} {address}")  # not for a result that is empty
    finally:
        bucket.start()
    assert broken == []
    assert away > 5
