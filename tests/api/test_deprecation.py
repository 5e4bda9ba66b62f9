"""An operation that will go says so to programs, in the headers that they know."""

import datetime
from email.utils import parsedate_to_datetime

import pytest
from django.test import Client
from drf_spectacular.generators import SchemaGenerator

from backend_django.api.deprecation import Deprecation
from backend_django.uploads.api.usage import UsageView

ENDING = Deprecation(
    datetime.date(2026, 12, 1), datetime.date(2027, 6, 1), "https://example.org/api/v2"
)


@pytest.mark.django_db
def test_what_will_go_says_since_when_and_until_when(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not {"Deprecation", "Sunset"} & Client().get("/api/v1/usage/").headers.keys()
    monkeypatch.setattr(UsageView, "deprecated", ENDING, raising=False)
    headers = Client().get("/api/v1/usage/").headers
    since = datetime.datetime.fromtimestamp(int(headers["Deprecation"].lstrip("@")), datetime.UTC)
    assert since.date() == ENDING.since
    assert parsedate_to_datetime(headers["Sunset"]).date() == ENDING.gone
    assert headers["Link"] == '<https://example.org/api/v2>; rel="deprecation"'


def test_the_document_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(UsageView, "deprecated", ENDING, raising=False)
    paths = SchemaGenerator(patterns=None, api_version="v1").get_schema(public=True)["paths"]
    assert paths["/usage/"]["get"]["deprecated"] is True
    assert "deprecated" not in paths["/version-info/"]["get"]
