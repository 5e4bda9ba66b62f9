"""Numbers in URLs are made of 0 to 9: Python's own idea of a digit is wider."""

from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RegexPattern

from backend_django.users.models import User


def patterns(resolver: URLResolver) -> Iterator[str]:
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            yield from patterns(entry)
        elif isinstance(entry, URLPattern) and isinstance(entry.pattern, RegexPattern):
            yield str(entry.pattern)


def test_no_route_takes_digits_of_other_scripts() -> None:
    found = list(patterns(get_resolver()))
    assert len(found) > 50
    assert not [pattern for pattern in found if "\\d" in pattern or "\\w" in pattern]


@pytest.mark.django_db
def test_a_part_has_a_number_of_plain_digits(client: Client, user: User) -> None:
    client.force_login(user)
    address = f"/api/v1/wordcount/upload/{'0' * 8}-0000-4000-8000-{'0' * 12}/parts"
    for number in ("\u0661", "\uff11"):
        answer = client.put(f"{address}/{number}/", b"x", "application/octet-stream")
        assert answer.status_code == 404
        assert answer.json()["detail"] == client.put("/api/v1/nowhere/").json()["detail"]
