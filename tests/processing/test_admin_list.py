"""The admin's list of everybody's requests, of which there may be a million."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from backend_django.processing import admin
from backend_django.processing.models import ProcessingRequest
from backend_django.users.models import User
from tests.api.test_request_lists import make

ADMIN = "/admin/processing/processingrequest/"


def listed(client: Client, query: str = "") -> list[str]:
    """Return the names that the list has, and see to it that no statement reads the whole table."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
    with CaptureQueriesContext(connection) as captured:
        page = client.get(f"{ADMIN}{query}")
    assert page.status_code == 200, page
    statements = [q["sql"] for q in captured if 'FROM "processing_processingrequest"' in q["sql"]]
    assert statements
    for statement in statements:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {statement}")
            plan = "\n".join(line for (line,) in cursor.fetchall())
        for dear in ("Seq Scan on processing_processingrequest", "DISTINCT"):
            assert dear not in plan + statement, f"{statement}\n{plan}"
        if "COUNT(" in statement:
            assert "Limit" in plan, f"{statement}\n{plan}"
    context: Any = page.context
    return [row.name for row in context["cl"].result_list]


@pytest.fixture
def requests(user: User, admin_user: User) -> list[ProcessingRequest]:
    failed: dict[str, Any] = {"status": "failed", "error_code": "invalid_input"}
    return [make(user, "north dunes"), make(admin_user, "forest", **failed), make(user, "coast")]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["coast", "forest", "north dunes"]),
        ("?q=dun+nor", ["north dunes"]),
        ("?q=ada@example", ["coast", "north dunes"]),
        ("?q=nobody@example.org", []),
        ("?status__exact=failed", ["forest"]),
        ("?error_code=invalid_input", ["forest"]),
        ("?kind=wordcount", ["coast", "forest", "north dunes"]),
        ("?q=%20", ["coast", "forest", "north dunes"]),
    ],
)
def test_list_is_read_by_indexes(
    admin_client: Client, requests: list[ProcessingRequest], query: str, found: list[str]
) -> None:
    assert listed(admin_client, query) == found


def test_id_is_found(admin_client: Client, requests: list[ProcessingRequest]) -> None:
    assert listed(admin_client, f"?q={requests[1].id}") == ["forest"]


def test_more_than_is_counted_is_said(
    admin_client: Client, requests: list[ProcessingRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "Search or filter" not in admin_client.get(ADMIN).content.decode()
    monkeypatch.setattr(admin, "COUNTED", 2)
    assert "The first 2. Search or filter" in admin_client.get(ADMIN).content.decode()


def test_a_request_leads_to_all_of_its_call(
    admin_client: Client, user: User, settings: Any
) -> None:
    request = make(user)
    ProcessingRequest.objects.filter(id=request.id).update(trace_id="4bf92f3577b34da6")
    address = f"{ADMIN}{request.id}/change/"
    assert "4bf92f3577b34da6</" in admin_client.get(address).content.decode()
    settings.TRACE_URL = "https://traces.example.org/?q={trace_id}"
    page = admin_client.get(address).content.decode()
    assert '<a href="https://traces.example.org/?q=4bf92f3577b34da6">4bf92f3577b34da6</a>' in page
