from typing import TYPE_CHECKING

import pytest
from django.test import Client

if TYPE_CHECKING:
    from backend_django.users.models import User


@pytest.fixture
def signed_in(client: Client, user: "User") -> Client:
    client.force_login(user)
    return client


@pytest.fixture
def grace(db: None) -> "User":
    from backend_django.users.models import User

    return User.objects.create_user("grace@example.org", "correct horse battery staple")
