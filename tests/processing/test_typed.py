"""Parameters and results that are dataclasses: typed in the job, JSON outside of it."""

from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client
from django.test.client import MULTIPART_CONTENT

from backend_django.processing.models import ProcessingRequest
from backend_django.processing.processor import Processor, parameter
from backend_django.processing.runner import run_next
from backend_django.users.models import User
from tests.wordcount.processor import Survey

pytestmark = pytest.mark.django_db(transaction=True)
URL = "/api/v1/wordcount/survey"


@pytest.mark.parametrize("content_type", ["application/json", MULTIPART_CONTENT])
def test_types_are_what_they_are(signed_in: Client, content_type: str) -> None:
    fields: dict[str, Any] = {
        "day": "2028-02-28", "height": "12.50", "measure": "foot", "care": "exact",
        "tags": ["a", "b"], "at": "2028-02-28T14:00:00Z",
    }  # fmt: skip
    made = signed_in.post(f"{URL}/create/", fields, content_type)
    assert made.status_code == 201, made.content
    assert run_next(queue="processing")
    found = signed_in.get(f"{URL}/results/{made.json()['id']}/")
    assert found.json() == {
        "weekday": "Monday", "next_day": "2028-02-29", "height": "25.00", "measure": "foot",
        "tags": ["a", "b", "exact"], "hour": 14,
    }  # fmt: skip


def test_defaults_are_kept_with_the_request(signed_in: Client) -> None:
    signed_in.post(f"{URL}/create/", {"day": "2028-02-28", "height": 1})
    assert ProcessingRequest.objects.get().parameters == {
        "day": "2028-02-28", "height": "1.00", "measure": "metre", "care": "fast", "tags": [],
        "at": None,
    }  # fmt: skip


def test_what_is_left_out_is_read_again_as_its_default() -> None:
    @dataclass
    class Note:
        text: str = ""
        author: str = parameter(default="", max_length=3)

    class Notes(Processor):
        name = title = "notes"
        Parameters = Note

    assert Notes.typed_parameters(Notes.check_parameters({})) == Note()
    with pytest.raises(ValueError, match="author"):
        Notes.check_parameters({"author": "long"})


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({}, "day"),
        ({"day": "tomorrow"}, "day"),
        ({"height": "-1"}, "height"),
        ({"height": "1.234"}, "height"),
        ({"measure": "mile"}, "measure"),
        ({"care": "slow"}, "care"),
        ({"at": "noon"}, "at"),
        ({"extra": 1}, "extra"),
    ],
)
def test_what_does_not_fit_is_refused_by_its_name(
    signed_in: Client, fields: dict[str, Any], field: str
) -> None:
    given = ({"day": "2028-02-28", "height": "1"} if fields else {"height": "1"}) | fields
    answer = signed_in.post(f"{URL}/create/", given, "application/json")
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_parameters_of_an_earlier_release(user: User) -> None:
    old = ProcessingRequest.objects.create(
        kind=Survey.name, name="old", owner=user, parameters={"date": "2028-02-28"}
    )
    run_next(queue="processing")
    old.refresh_from_db()
    assert (old.status, old.error_code) == ("failed", "parameters_outdated")
