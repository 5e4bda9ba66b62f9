"""Searching, counting and exporting requests."""

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from backend_django.processing import queries
from backend_django.processing.api import requests as views
from backend_django.processing.models import ProcessingRequest
from backend_django.processing.search import NAME_WORDS, words_query
from backend_django.users.models import User

pytestmark = pytest.mark.slow

ROOT = "/api/v1/requests"
DAY = datetime(2026, 3, 1, 12, tzinfo=UTC)


def make(
    owner: User, name: str = "n", *, created: datetime | None = None, **fields: Any
) -> ProcessingRequest:
    final = {"completed", "failed", "cancelled"}
    fields = {"kind": "wordcount", "input_file": "x", "input_name": "x", "input_size": 1} | fields
    if fields.get("status") in final:
        fields.setdefault("finished_at", DAY)
    request = ProcessingRequest.objects.create(owner=owner, name=name, **fields)
    if created:
        ProcessingRequest.objects.filter(id=request.id).update(created_at=created)
    return request


def names(client: Client, query: str, address: str = f"{ROOT}/list/") -> list[str]:
    answer = client.get(f"{address}?{query}")
    assert answer.status_code == 200, answer.json()
    found = answer.json()
    assert found["count"] == len(found["results"])
    return [row["name"] for row in found["results"]]


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("dunes", ["LC08_dunes-North.tif", "Dünes of “2”, dunes"]),
        ("DUN", ["LC08_dunes-North.tif", "Dünes of “2”, dunes"]),
        ("north lc", ["LC08_dunes-North.tif"]),
        ("dunes-north.tif", ["LC08_dunes-North.tif"]),
        ("dünes", ["Dünes of “2”, dunes"]),
        ("“2”", ["Dünes of “2”, dunes"]),
        ("une", []),
        ("dunes forest", []),
        ("' | '", []),
        ("a':* | 'b", []),
        ("\\", []),
        ("", ["LC08_dunes-North.tif", "Dünes of “2”, dunes"]),
    ],
)
def test_search_finds_names_by_the_beginnings_of_words(
    signed_in: Client, user: User, search: str, found: list[str]
) -> None:
    for number, name in enumerate(["Dünes of “2”, dunes", "LC08_dunes-North.tif"]):
        make(user, name, created=DAY + timedelta(hours=number))
    answer = signed_in.get(f"{ROOT}/list/", {"search": search})
    assert [row["name"] for row in answer.json()["results"]] == found


def test_conditions_narrow_and_add_up(signed_in: Client, user: User) -> None:
    make(user, "a", status="failed", error_code="time_limit", created=DAY)
    make(user, "b", status="failed", error_code="out_of_memory", created=DAY + timedelta(days=1))
    make(user, "c", status="cancelled", kind="copy", created=DAY + timedelta(days=2))
    make(user, "d", parameters={"level": 3, "mode": "3", "day": None}, created=DAY)
    for query, found in {
        "ordering=name": "abcd",
        "status=failed,cancelled&ordering=-name": "cba",
        "error_code=time_limit": "a",
        "kind=copy": "c",
        "status=failed&kind=copy": "",
        "created_after=2026-03-02T12:00:00Z&ordering=name": "bc",
        "created_before=2026-03-02T12:00:00Z&ordering=name": "ad",
        "finished_after=2026-03-01T12:00:00Z&finished_before=2026-03-01T12:00:01Z&status=failed"
        "&ordering=created_at": "ab",
        "parameter=level:3": "d",
        "parameter=mode:3": "d",
        "parameter=day:null": "d",
        "parameter=level:4": "",
        "parameter=level:NaN": "",
        "parameter=level:[": "",
        "parameter=other:3": "",
    }.items():
        assert "".join(names(signed_in, query)) == found, query
    assert names(signed_in, "status=failed,cancelled&ordering=name", "/api/v1/wordcount/list/") == [
        "a",
        "b",
    ]
    assert signed_in.get(f"{ROOT}/list/?kind=copy").json()["results"][0]["kind"] == "copy"


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("status=failed,done", "There is no status “done”."),
        ("status=failed,", "There is no status “”."),
        ("kind=nothing", "There is no such kind. Use one of"),
        ("parameter=level", "Must be name:value"),
        ("parameter=:3", "Must be name:value"),
        ("created_after=yesterday", "Must be a time with its offset"),
        ("created_after=2026-03-01", "Must be a time with its offset"),
        ("error_code=Time%20limit", "required pattern"),
        ("ordering=owner", "not a valid choice"),
    ],
)
@pytest.mark.parametrize("address", ["list", "status-counts", "csv"])
def test_bad_condition_is_refused_with_what_to_do(
    signed_in: Client, address: str, query: str, said: str
) -> None:
    if address == "status-counts" and query.startswith("ordering"):
        pytest.skip("counts have no order")
    answer = signed_in.get(f"{ROOT}/{address}/?{query}")
    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert error["field"] == query.split("=")[0]
    assert said in error["message"]


def test_counts_come_in_one_query(signed_in: Client, user: User, grace: User) -> None:
    for status in ("failed", "failed", "completed", "pending"):
        make(user, "of mine", status=status)
    make(user, "another", status="cancelled")
    make(grace, "of hers", status="failed")
    with CaptureQueriesContext(
        connection,
    ) as made:
        answer = signed_in.get(f"{ROOT}/status-counts/?search=mine")
    assert answer.json() == {
        "status": {"pending": 1, "processing": 0, "completed": 1, "failed": 2, "cancelled": 0}
    }
    assert sum("processing_processingrequest" in query["sql"] for query in made) == 1


def test_what_nobody_counts_is_not_counted(
    signed_in: Client, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(5):
        make(user, "of mine")
    monkeypatch.setattr(queries, "COUNTED", 3)
    assert signed_in.get(f"{ROOT}/status-counts/").json()["status"]["pending"] == 3
    assert signed_in.get(f"{ROOT}/list/").json()["count"] == 5


@pytest.mark.parametrize(
    "asked",
    [{}, {"kind": "wordcount"}, {"status": ["failed"]}, {"status": ["failed"], "kind": "copy"}],
)
def test_an_index_gives_lists_in_their_order(
    user: User, grace: User, asked: dict[str, Any]
) -> None:
    ProcessingRequest.objects.bulk_create(
        ProcessingRequest(owner=grace, kind="copy", status="failed", finished_at=DAY)
        for _ in range(500)
    )
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; ANALYZE processing_processingrequest")
    rows = queries.filter_requests(queries.requests_of(user), asked)
    plan = rows.order_by("-created_at", "-id")[:20].explain()
    assert re.search(r"Index Cond: .*owner_id = ", plan), plan


def test_an_index_finds_words_of_names(user: User) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = off")
    rows = ProcessingRequest.objects.order_by().alias(name_words=NAME_WORDS)
    found = rows.filter(name_words=words_query("dunes"))
    assert "Bitmap Index Scan on request_name_words" in found.explain()


def table(client: Client, query: str = "") -> list[dict[str, str]]:
    answer = client.get(f"{ROOT}/csv/?{query}")
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/csv; charset=utf-8")
    text = answer.getvalue().decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


@pytest.mark.parametrize("ordering", ["created_at", "-created_at", "name", "-name"])
def test_table_has_every_row_once_and_in_order(
    signed_in: Client, user: User, grace: User, monkeypatch: pytest.MonkeyPatch, ordering: str
) -> None:
    monkeypatch.setattr(views, "CSV_BATCH", 3)
    for number in range(10):  # several have the same name, or the same time
        make(user, f"n{number % 2}", created=DAY + timedelta(days=number % 3), status="failed")
    make(user, "pending")
    make(grace, "of hers", status="failed")
    found = table(signed_in, f"status=failed&ordering={ordering}")
    listed = signed_in.get(f"{ROOT}/list/?status=failed&ordering={ordering}").json()["results"]
    assert [row["id"] for row in found] == [row["id"] for row in listed]
    assert len(found) == 10


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", 'a"b,\n=c'])
def test_cell_is_never_a_formula(signed_in: Client, user: User, name: str) -> None:
    make(user, name, error_message=name, input_name=name)
    (row,) = table(signed_in)
    expected = name if name.startswith("a") else f"'{name}"
    assert [row[column] for column in ("name", "error_message", "input_name")] == [expected] * 3


def test_others_are_not_in_lists_counts_or_tables(client: Client, user: User, grace: User) -> None:
    mine = make(user, "secret plan", status="failed", error_code="time_limit")
    client.force_login(grace)
    for query in ("", "search=secret", "error_code=time_limit", "status=failed", "kind=wordcount"):
        assert names(client, query) == []
        assert table(client, query) == []
        assert set(client.get(f"{ROOT}/status-counts/?{query}").json()["status"].values()) == {0}
    assert str(mine.id) not in client.get(f"{ROOT}/csv/").getvalue().decode()


@pytest.mark.parametrize("size", [1, 3, 4, 10, 20])
def test_pages_have_every_row_once_and_in_order(signed_in: Client, user: User, size: int) -> None:
    """Those of the second half are read from the end."""
    made = [str(make(user, created=DAY + timedelta(days=n // 2)).id) for n in range(10)]
    pages = range(1, -(-10 // size) + 2)
    found = [signed_in.get(f"{ROOT}/list/?page={page}&page_size={size}").json() for page in pages]
    ids = [row["id"] for page in found for row in page["results"]]
    whole = [row["id"] for row in signed_in.get(f"{ROOT}/list/?page_size=100").json()["results"]]
    assert ids == whole
    assert sorted(ids) == sorted(made)
    assert {page["count"] for page in found} == {10}
    assert found[-1]["results"] == []


def test_list_says_what_status_says(signed_in: Client, user: User) -> None:
    made = make(user, "dunes", status="failed", error_code="x", batch=uuid4())
    (listed,) = signed_in.get("/api/v1/wordcount/list/").json()["results"]
    assert listed == signed_in.get(f"/api/v1/wordcount/status/{made.id}/").json()
    (listed,) = signed_in.get(f"{ROOT}/list/").json()["results"]
    assert listed == signed_in.get(f"{ROOT}/status/{made.id}/").json()
