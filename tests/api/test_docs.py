"""The document and its page: for those who may read them, from our own address only."""

from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client

from backend_django.api.docs import document
from backend_django.users.models import User
from backend_django.utils.project import read_project
from tests.of_modules import of_modules
from tests.stack import ADMIN

from .test_problems import assert_problem

if TYPE_CHECKING:
    from playwright.sync_api import Page

DOCUMENT = "/api/v1/schema/"
PAGE = "/api/v1/docs/"


def test_strangers_read_neither(client: Client, db: None) -> None:
    assert_problem(client.get(DOCUMENT), 401, "not_authenticated")
    answer = client.get(PAGE)
    assert (answer.status_code, answer["Location"]) == (302, "/login?next=/api/v1/docs")


@pytest.mark.django_db(transaction=True)  # DRF marks the surrounding transaction as failed
def test_signed_in_or_staff_by_setting(client: Client, user: User, settings: Any) -> None:
    client.force_login(user)
    assert client.get(DOCUMENT).json()["info"]["title"] == settings.PROJECT.name
    assert client.get(PAGE).status_code == 200
    settings.API_DOCS_FOR = "staff"
    assert_problem(client.get(DOCUMENT), 403, "permission_denied")
    assert client.get(PAGE).status_code == 403
    User.objects.update(is_staff=True)
    assert client.get(DOCUMENT).status_code == 200


@pytest.mark.slow
def test_page_shows_the_operations_under_the_strict_policy(page: "Page") -> None:
    """That nothing is asked of others, and no policy violated, the fixture looks at its end."""
    assert page.request.post("/api/v1/auth/login/", data=ADMIN).ok
    page.goto(PAGE)
    assert page.title() == f"{read_project().name} API"
    page.get_by_text("/auth/login/").first.wait_for()


@pytest.mark.parametrize("room", ["auth", "requests", *of_modules("ROOM")])
def test_every_operation_says_in_a_line_of_its_own_what_it_does(room: str) -> None:
    summaries = [
        operation["summary"]
        for path, operations in document()["paths"].items()
        for operation in operations.values()
        if path.startswith(f"/{room}/")
    ]
    assert [line for line in summaries if not 0 < len(line) <= 100] == []
    assert sorted(summaries) == sorted(set(summaries))
