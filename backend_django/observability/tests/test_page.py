"""A trace that begins at the page's call, and the page's own errors, in a real browser."""

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from django.core.exceptions import ImproperlyConfigured

from backend_django.observability import configure
from tests.stack import ADMIN, Stack, wait_for

from .conftest import Receiver
from .test_traces import of_trace

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page

TRACEPARENT = r"00-([0-9a-f]{32})-([0-9a-f]{16})-01"
SECRET = "c2VjcmV0LXNlY3JldC1zZWNyZXQtNDcxMQ"
FAULT = "no boat of ada@example.org, token=" + SECRET
CREATE = """async () => {
  const token = /csrftoken=([^;]+)/.exec(document.cookie)[1]
  const body = new FormData()
  body.append('file', new Blob(['two words']), 'words.txt')
  const headers = { 'X-CSRFToken': token }
  const made = await fetch('/api/v1/wordcount/create/', { method: 'POST', body, headers })
  return [made.status, (await made.json()).id]
}"""


@pytest.fixture(scope="module")
def signed_in(chromium: "Browser", watched: Stack) -> "Iterator[Page]":
    context = chromium.new_context(base_url=watched.url, locale="en-GB")
    page = context.new_page()
    page.goto("/login")
    page.get_by_label("Email").fill(ADMIN["email"])
    page.get_by_label("Password", exact=True).fill(ADMIN["password"])
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(lambda url: "/login" not in url)
    yield page
    context.close()


@pytest.mark.slow
@pytest.mark.matrix
def test_files_and_streams_come_whole_where_errors_are_reported(watched: Stack) -> None:
    """What reports them may lay nothing around a response: the server knows both by their kind."""
    with watched.client() as api:
        page = httpx.get(watched.url).text
        (script,) = re.findall(r'src="([^"]+)" data-module="observability"', page)
        assert "traceparent" in httpx.get(f"{watched.url}{script}").text
        with httpx.stream("GET", f"{watched.url}/events/", headers=api.headers) as stream:
            assert stream.headers["Content-Type"].startswith("text/event-stream")
            assert next(stream.iter_text())


@pytest.mark.slow
@pytest.mark.matrix
def test_a_trace_begins_at_the_pages_call_and_ends_with_the_job(
    signed_in: "Page", watched: Stack, receiver: Receiver
) -> None:
    with signed_in.expect_request("**/wordcount/create/") as call:
        status, request_id = signed_in.evaluate(CREATE)
    assert status == 201
    sent = re.fullmatch(TRACEPARENT, call.value.headers["traceparent"])
    assert sent

    def found() -> list[dict[str, Any]]:
        spans = of_trace(receiver, sent[1])
        has_job = any(span["name"] == "job wordcount" for span in spans)
        return spans if has_job and any(span["parent"] == sent[2] for span in spans) else []

    spans = wait_for(found, what="the spans of the call and the job")
    (call_span,) = (span for span in spans if span["parent"] == sent[2])
    assert call_span["name"].startswith("POST api/v1/wordcount/create")
    (job,) = (span for span in spans if span["name"] == "job wordcount")
    assert job["is"]["request.id"] == request_id
    assert any(span["is"].get("db.system.name") == "postgresql" for span in spans)


@pytest.mark.slow
@pytest.mark.matrix
def test_an_error_of_the_page_arrives_and_nothing_of_the_person(
    signed_in: "Page", receiver: Receiver
) -> None:
    violations: list[str] = []

    def note(message: "ConsoleMessage") -> None:
        if "Refused" in message.text:
            violations.append(message.text)

    signed_in.on("console", note)
    signed_in.goto(f"/?token={SECRET}#{SECRET}")
    signed_in.get_by_role("heading").first.wait_for()
    with signed_in.expect_request("**/api/2/envelope/**") as sent:
        signed_in.evaluate("text => { setTimeout(() => { throw new TypeError(text) }) }", FAULT)
    wait_for(lambda: receiver.page_errors, what="the error")
    body = b"".join(receiver.page_errors)
    (event,) = [one for one in map(json.loads, body.splitlines()) if "exception" in one]
    (exception,) = event["exception"]["values"]
    assert exception["type"] == "TypeError"
    assert exception["value"] == "no boat of [email], token=[secret]"
    assert exception["stacktrace"]["frames"]
    assert (event["release"], event["environment"]) == ("4711abc", "production")
    assert re.fullmatch("[0-9a-f]{32}", event["tags"]["trace_id"])
    assert event["contexts"]["trace"]["trace_id"] == event["tags"]["trace_id"]
    headers = {name.lower(): value for name, value in receiver.page_headers.items()}
    assert not {"cookie", "traceparent", "x-csrftoken"} & headers.keys()
    assert SECRET not in json.dumps(headers)
    secrets = [SECRET, ADMIN["email"], "ada@", "vars"]
    secrets += [cookie["value"] for cookie in signed_in.context.cookies() if cookie["value"]]
    for secret in secrets:
        assert secret.encode() not in body, secret
        assert secret not in sent.value.url
    assert not violations


def settings() -> dict[str, Any]:
    return {
        "INSTALLED_APPS": [], "PAGE_VALUES": {}, "APP_COMMIT": "4711abc",
        "CONTENT_SECURITY_POLICY": {"DIRECTIVES": {"connect-src": ["'self'"]}},
    }  # fmt: skip


def test_the_page_is_told_what_it_may_know(monkeypatch: pytest.MonkeyPatch) -> None:
    off = settings()
    configure.configure(off)
    assert off == settings()
    monkeypatch.setattr(configure, "OTEL_EXPORTER_OTLP_ENDPOINT", "http://inside:4318")
    monkeypatch.setattr(configure, "SENTRY_DSN", "https://server@sentry.example.org/1")
    monkeypatch.setattr(configure, "SENTRY_BROWSER_DSN", "https://page@sentry.example.org:8443/2")
    on = settings()
    configure.configure(on)
    told = on["PAGE_VALUES"]["observability"]
    assert told["traces"] is True
    assert told["errors"]["dsn"] == "https://page@sentry.example.org:8443/2"
    assert "inside" not in json.dumps(told)
    assert "server" not in json.dumps(told)
    policy = on["CONTENT_SECURITY_POLICY"]["DIRECTIVES"]["connect-src"]
    assert policy == ["'self'", "https://sentry.example.org:8443"]


@pytest.mark.parametrize(
    "dsn",
    ["sentry.example.org", "https://sentry.example.org/1", "https://key@sentry.example.org",
     "https://key:secret@sentry.example.org/1", "javascript://key@x/1", "https://key@[x/1"],
)  # fmt: skip
def test_what_is_no_dsn_for_everybody_is_refused_in_words(dsn: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="SENTRY_BROWSER_DSN is an address such as"):
        configure.origin(dsn)
