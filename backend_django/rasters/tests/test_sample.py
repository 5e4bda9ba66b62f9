"""The sample raster of a new person."""

import pytest
from django.test import Client

from backend_django.users.models import User

API = "/api/v1/rasters"


@pytest.mark.django_db(transaction=True)
def test_a_sample_is_submitted_once(client: Client, user: User) -> None:
    assert client.post(f"{API}/sample/").status_code == 401
    client.force_login(user)
    first, second = client.post(f"{API}/sample/"), client.post(f"{API}/sample/")
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["id"] == second.json()["id"]
    assert client.get(f"{API}/list/").json()["count"] == 1
