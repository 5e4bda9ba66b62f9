"""Every error of the API is a problem document."""

from typing import Any

import pytest
from django.test import Client

from backend_django.users.models import User


def assert_problem(answer: Any, status: int, code: str) -> dict:
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"
    body = answer.json()
    assert (body["status"], body["code"]) == (status, code)
    assert body["detail"]
    assert body["trace_id"] == answer["X-Request-ID"]
    assert body["request_id"] == body["trace_id"]  # its former name, for one version
    return body


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/v1/nothing/", "/api/v2/auth/login/"])
@pytest.mark.parametrize("method", ["get", "post", "delete"])
def test_unknown_endpoint_is_a_404_in_json_whatever_the_browser_accepts(
    method: str, path: str
) -> None:
    browser = Client(enforce_csrf_checks=True, headers={"accept": "text/html"})
    assert_problem(getattr(browser, method)(path), 404, "not_found")


def test_bad_id_is_a_404(client: Client, user: User) -> None:
    client.force_login(user)
    assert_problem(client.get("/api/v1/wordcount/status/not-a-uuid/"), 404, "not_found")


def test_wrong_method_type_and_body(client: Client, db: None) -> None:
    assert_problem(client.get("/api/v1/auth/login/"), 405, "method_not_allowed")
    assert_problem(client.post("/api/v1/auth/login/", b"{", "application/json"), 400, "parse_error")
    body = assert_problem(
        client.post("/api/v1/auth/login/", {"email": "x"}, "application/json"), 400, "invalid"
    )
    assert {error["field"] for error in body["errors"]} == {"email", "password"}


def test_planted_exception_leaks_nothing(
    client: Client, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode(*_: object, **__: object) -> None:
        raise RuntimeError("SELECT secret FROM /etc/passwd")

    monkeypatch.setattr("backend_django.processing.services.request_create", explode)
    client.force_login(user)
    client.raise_request_exception = False
    from django.core.files.base import ContentFile

    upload = ContentFile(b"one", name="one.txt")
    answer = client.post("/api/v1/wordcount/create/", {"file": upload})
    assert_problem(answer, 500, "server_error")
    assert b"secret" not in answer.content
    assert b"Traceback" not in answer.content


@pytest.mark.parametrize(
    ("given", "kept"), [("trace-0123456789", True), ("a b", False), ("x" * 80, False)]
)
def test_trace_id_of_a_proxy_is_kept_when_harmless(client: Client, given: str, kept: bool) -> None:
    answer = client.get("/health/live", headers={"x-request-id": given})
    assert (answer["X-Request-ID"] == given) is kept


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_errors_of_a_page_are_problems_too(client: Client, user: User, method: str) -> None:
    client.force_login(user)
    answer = getattr(client, method)("/api/v1/docs/")
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "method_not_allowed"
