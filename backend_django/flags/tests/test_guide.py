"""The code of docs/flags.md does what the page says."""

import re
from types import ModuleType
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import caches
from django.template import engines
from django.test import Client
from django.urls import path

from backend_django.flags.tests.factories import make_flag
from backend_django.users.models import User

GUIDE = settings.ROOT / "docs" / "flags.md"


def blocks() -> dict[str, str]:
    return dict(re.findall(r"```\w+ (\w+)\n(.*?)```", GUIDE.read_text(), re.DOTALL))


@pytest.fixture
def code(db: None, settings: Any) -> dict[str, Any]:
    """Run the blocks, put the view at an address, and return what they define."""
    caches["flags"].clear()
    code: dict[str, Any] = {}
    for name in ("view", "job", "test"):
        exec(blocks()[name], code)
    urls: Any = ModuleType("urls_of_the_guide")
    urls.urlpatterns = [path("csv/", code["CsvView"].as_view())]
    settings.ROOT_URLCONF = urls
    return code


def test_the_view_and_its_test(code: dict[str, Any], client: Client, user: User) -> None:
    code["test_csv"](client, user)


def test_the_job(code: dict[str, Any], user: User) -> None:
    request = type("Request", (), {"owner": user})
    assert code["choose_engine"](request) == "old"
    make_flag("new-engine").users.add(user)
    caches["flags"].clear()
    assert code["choose_engine"](request) == "new"


def test_the_template(code: dict[str, Any]) -> None:
    template = engines["django"].from_string(blocks()["template"])
    assert template.render({}).strip() == "The map"
    make_flag("new-map", everyone=True)
    caches["flags"].clear()
    assert template.render({}).strip() == "The new map"
