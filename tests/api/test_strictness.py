"""What would be guessed, ignored or choked on is refused, with the name of what is wrong."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from django.test import Client
from django.urls import URLResolver, get_resolver
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.parsers import JSONParser as GuessingParser

from backend_django.api.docs import document
from backend_django.api.serializers import RelatedField
from backend_django.api.strict import check_number
from backend_django.users.models import User

from .test_problems import assert_problem

pytestmark = pytest.mark.slow

USER = "/api/v1/auth/user/"
LOGIN = "/api/v1/auth/login/"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('{"name": NaN}', "not JSON"),
        ('{"name": 1e999}', "too large"),
        ('{"name": "a", "name": "b"}', "stands twice"),
        ('{"name": "a"} true', "not JSON"),
        ('{"name": "\\ud800"}', "not UTF-8"),
        ('{"\\udc00": "a"}', "not UTF-8"),
        (b'{"name": "\xff"}', "not UTF-8"),
        ("[" * 200_000, "nested too deeply"),
        ('{"name": ' + "[" * 150 + "]" * 150 + "}", "nested too deeply"),
        ('{"name": ' + "9" * 5000 + "}", "not JSON"),
    ],
    ids=range(10),
)
def test_what_is_not_plain_json_is_refused(signed_in: Client, body: Any, said: str) -> None:
    problem = assert_problem(signed_in.patch(USER, body, "application/json"), 400, "parse_error")
    assert said in problem["detail"]


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({"nmae": "Ada"}, "nmae", "unknown_field"),
        ({"name": 1}, "name", "invalid"),
        ({"name": True}, "name", "invalid"),
        ({"name": ["Ada"]}, "name", "invalid"),
        ({"name": "A\x00da"}, "name", "null_characters_not_allowed"),
    ],
)
def test_members_are_known_and_of_their_type(
    signed_in: Client, body: dict[str, Any], field: str, code: str
) -> None:
    problem = assert_problem(signed_in.patch(USER, body, "application/json"), 400, "invalid")
    assert [(e["field"], e["code"]) for e in problem["errors"]] == [(field, code)]
    assert User.objects.get().name == ""


def test_body_that_is_too_large_is_not_read(signed_in: Client) -> None:
    body = '{"name": "' + "x" * 1024 * 1024 + '"}'
    assert_problem(signed_in.patch(USER, body, "application/json"), 413, "too_large")


def test_form_that_is_too_large_is_a_413(admin_client: Client) -> None:
    form = "x=" + "y" * 1024 * 1024
    address = f"/{settings.ADMIN_URL}users/user/add/"
    answer = admin_client.post(address, form, "application/x-www-form-urlencoded")
    assert answer.status_code == 413


def test_every_endpoint_reads_json_strictly() -> None:
    def parsers(resolver: URLResolver) -> Iterator[tuple[type, type]]:
        for pattern in resolver.url_patterns:
            if isinstance(pattern, URLResolver):
                yield from parsers(pattern)
            elif view := getattr(pattern.callback, "cls", None):
                yield from ((view, parser) for parser in getattr(view, "parser_classes", []))

    guessing = {
        view.__name__ for view, parser in parsers(get_resolver()) if parser is GuessingParser
    }
    assert not guessing, f"give {guessing} backend_django.api.parsers.JSONParser"


@pytest.mark.parametrize(
    ("fields", "field", "code"),
    [
        ({"minimum_length": ""}, "minimum_length", "blank"),
        ({"name": ["a", "b"]}, "name", "repeated"),
    ],
)
def test_forms_say_each_thing_once(
    signed_in: Client, fields: dict[str, Any], field: str, code: str
) -> None:
    upload = {"file": ContentFile(b"x", name="a.txt")}
    answer = signed_in.post("/api/v1/wordcount/create/", fields | upload)
    problem = assert_problem(answer, 400, "invalid")
    assert [(e["field"], e["code"]) for e in problem["errors"]] == [(field, code)]


@pytest.mark.parametrize("path", ["wordcount/list/", "version/", "auth/session"])
def test_parameter_that_nobody_reads_is_refused(signed_in: Client, path: str) -> None:
    problem = assert_problem(signed_in.get(f"/api/v1/{path}?stauts=failed"), 400, "invalid")
    (error,) = problem["errors"]
    assert (error["field"], error["code"]) == ("stauts", "unknown_parameter")


@pytest.mark.parametrize(
    ("query", "field", "code"),
    [
        ("page=1&page=2", "page", "repeated"),
        ("status=failed&status=failed", "status", "repeated"),
        ("page=\u0663", "page", "invalid"),
        ("page=1_0", "page", "invalid"),
    ],
)
def test_parameters_are_said_once_and_in_plain_digits(
    signed_in: Client, query: str, field: str, code: str
) -> None:
    problem = assert_problem(signed_in.get(f"/api/v1/wordcount/list/?{query}"), 400, "invalid")
    assert [(e["field"], e["code"]) for e in problem["errors"]] == [(field, code)]


@pytest.mark.parametrize("value", ["\u0663", "1_0", " 1", "1.5", "0x1", "1e3", "nan", "inf"])
@pytest.mark.parametrize("kind", [serializers.IntegerField, serializers.FloatField])
def test_number_is_written_as_numbers_are(kind: type, value: str) -> None:
    good = kind is serializers.FloatField and value in {"1.5", "1e3"}
    assert bool(check_number(kind(), value)) != good
    assert not check_number(kind(), "-10")


def test_not_acceptable_and_plain_views_answer_with_problems_too(signed_in: Client) -> None:
    answer = signed_in.get("/api/v1/version/", headers={"accept": "text/html"})
    assert_problem(answer, 406, "not_acceptable")


def test_host_that_is_not_ours_is_a_problem(client: Client) -> None:
    answer = client.get("/api/v1/version/", headers={"host": "evil.example"})
    assert_problem(answer, 400, "bad_request")


def test_missing_csrf_token_is_a_problem(user: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(user)
    answer = browser.patch(USER, {"name": "Ada"}, "application/json")
    assert_problem(answer, 403, "permission_denied")


@pytest.mark.parametrize(
    ("schema", "method", "path"),
    [("PatchedUserRequest", "patch", USER), ("TokenCreateRequest", "post", "/api/v1/auth/tokens/")],
)
def test_null_character_is_refused_and_the_document_says_so(
    signed_in: Client, schema: str, method: str, path: str
) -> None:
    name = document()["components"]["schemas"][schema]["properties"]["name"]
    pattern = name.get("oneOf", [name])[0]["pattern"]
    for text, fits in (("Ada", True), ("A\0", False)):
        answer = getattr(signed_in, method)(path, {"name": text}, "application/json")
        assert (bool(re.search(pattern, text)), answer.status_code < 300) == (fits, fits)


@pytest.mark.parametrize("value", ["", 0, ["x"], "x"])
def test_what_is_no_id_is_not_taken_for_none(value: Any) -> None:
    field = RelatedField(queryset=User.objects, allow_null=True)
    with pytest.raises(ValidationError):
        field.run_validation(value)
    assert field.run_validation(None) is None
