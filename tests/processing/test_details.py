"""What is said of a request of any kind: its inputs, the fields of its result, and its files."""

from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.test import Client

from backend_django.processing.models import ProcessingRequest
from backend_django.processing.runner import run_next
from backend_django.users.models import User
from tests.pipelines import work

pytestmark = pytest.mark.django_db(transaction=True)
API = "/api/v1"


def create(client: Client, kind: str, **fields: Any) -> str:
    answer = client.post(f"{API}/{kind}/create/", fields)
    assert answer.status_code == 201, answer.content
    return str(answer.json()["id"])


def details(client: Client, id: str) -> dict[str, Any]:
    answer = client.get(f"{API}/requests/details/{id}/")
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()
    return found


def text(content: str, name: str = "a.txt") -> ContentFile:
    return ContentFile(content.encode(), name=name)


def test_result_is_told_field_by_field(signed_in: Client) -> None:
    made = create(signed_in, "wordcount", file=text("two words"), day="2026-03-01")
    inputs = [{"label": "File", "files": [{"filename": "a.txt", "size": 9}]}]
    found = details(signed_in, made)
    assert found.pop("parameters")["day"] == "2026-03-01"
    assert found == {"inputs": inputs, "result": [], "files": []}
    assert run_next(queue="processing")
    found = details(signed_in, made)
    assert found["result"] == [
        {"name": "words", "label": "Words", "type": "int", "value": 2},
        {"name": "attempt", "label": "Attempt", "type": "int", "value": 1},
        {"name": "day", "label": "Day", "type": "date", "value": "2026-03-01"},
    ]
    [file] = found["files"]
    assert (file["filename"], file["size"]) == ("word count.txt", 10)
    assert b"".join(signed_in.get(file["url"])) == b"two\nwords\n"


def test_types_are_those_that_the_kind_declares(signed_in: Client) -> None:
    wish = {"day": "2026-02-28", "height": "1.5", "tags": ["a", "b"], "care": "exact"}
    made = create(signed_in, "wordcount/survey", **wish)
    assert run_next(queue="processing")
    told = details(signed_in, made)["result"]
    assert {field["name"]: (field["type"], field["value"]) for field in told} == {
        "weekday": ("text", "Saturday"),
        "next_day": ("date", "2026-03-01"),
        "height": ("decimal", "3.00"),
        "measure": ("choice", "metre"),
        "tags": ("text", ["a", "b", "exact"]),
        "hour": ("int", None),
    }


def test_of_a_kind_that_is_gone_there_are_its_inputs(signed_in: Client, user: User) -> None:
    request = ProcessingRequest.objects.create(
        owner=user, kind="gone", inputs={"plan": [{"name": "x", "filename": "p.pdf", "size": 3}]}
    )
    inputs = [{"label": "plan", "files": [{"filename": "p.pdf", "size": 3}]}]
    found = details(signed_in, str(request.id))
    assert found == {"inputs": inputs, "parameters": {}, "result": [], "files": []}


def test_step_without_an_api_has_fields_and_no_links(signed_in: Client, told: list[str]) -> None:
    made = create(signed_in, "wordcount/digest", file=text("one\ntwo words"))
    work(told)
    step = ProcessingRequest.objects.get(parent__id=made, step_key="lines")
    found = details(signed_in, str(step.id))
    assert [field["name"] for field in found["result"]] == ["lines"]
    assert found["files"] == []


def test_others_have_no_details(signed_in: Client, client: Client) -> None:
    made = create(signed_in, "wordcount", file=text("two words"))
    other = Client()
    other.force_login(User.objects.create_user("eve@example.org", "pw"))
    assert other.get(f"{API}/requests/details/{made}/").status_code == 404
