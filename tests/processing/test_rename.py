"""A request has the name that a person gives it."""

import pytest
from django.core.files.base import ContentFile
from django.test import Client

from backend_django.users.models import User
from tests.pipelines import work

pytestmark = pytest.mark.django_db(transaction=True)
API = "/api/v1/requests"


def test_a_request_is_found_by_its_new_name(client: Client, user: User, told: list[str]) -> None:
    client.force_login(user)
    file = ContentFile(b"some words", name="scan0001.txt")
    made = client.post("/api/v1/wordcount/create/", {"file": file, "day": "2026-03-01"})
    number, json = made.json()["id"], "application/json"

    def rename(name: object) -> int:
        answer = client.patch(f"{API}/rename/{number}/", {"name": name}, content_type=json)
        return answer.status_code

    assert rename("Dunes of Amrum, north") == 200
    work(told)
    assert rename("Dunes of Amrum, south") == 200  # whatever its state
    shown = client.get(f"{API}/status/{number}/").json()
    assert (shown["name"], shown["status"]) == ("Dunes of Amrum, south", "completed")
    assert shown["input_name"] == "scan0001.txt"
    found = client.get(f"{API}/list/", {"search": "amrum south"}).json()["results"]
    assert [one["id"] for one in found] == [number]
    assert client.get(f"{API}/list/", {"search": "scan0001"}).json()["count"] == 0

    for name in ("", "  ", "x" * 201, None, "a\x00b"):
        assert rename(name) == 400
    client.force_login(User.objects.create_user("eve@example.org", "x"))
    assert rename("Mine now") == 404
