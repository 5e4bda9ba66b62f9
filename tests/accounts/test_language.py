"""The language of an account."""

import pytest
from django.test import Client

from backend_django.users.models import User

pytestmark = pytest.mark.django_db


def test_language_is_chosen_and_put_back(client: Client, user: User) -> None:
    client.force_login(user)
    address = "/api/v1/auth/user/"
    assert client.get(address).json()["language"] == ""
    for language in ("de", "en", ""):
        answer = client.patch(address, {"language": language}, content_type="application/json")
        assert answer.status_code == 200
        assert answer.json()["language"] == language
        user.refresh_from_db()
        assert user.language == language


@pytest.mark.parametrize("language", ["fr", "DE", "de-AT", None, 1, ["de"]])
def test_language_nobody_offers_is_refused(client: Client, user: User, language: str) -> None:
    client.force_login(user)
    answer = client.patch(
        "/api/v1/auth/user/", {"language": language}, content_type="application/json"
    )
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"].startswith("language")
