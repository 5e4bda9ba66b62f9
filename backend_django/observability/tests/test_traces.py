"""A trace from a call to its job and what that called, received by a server of OTLP."""

import json
import subprocess
import sys
import time
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.stack import ADMIN, ROOT, Stack, wait_for

from .conftest import Receiver

pytestmark = [pytest.mark.slow, pytest.mark.matrix]
INTERNAL, SERVER, CLIENT = 1, 2, 3  # kinds of spans
ERROR = 2
CALLER = "0af7651916cd43dd8448eb211c80319c"


def spans(receiver: Receiver) -> list[dict[str, Any]]:
    """What has come, in the terms of the protocol."""
    return [
        {
            "trace": span.trace_id.hex(),
            "id": span.span_id.hex(),
            "parent": span.parent_span_id.hex(),
            "name": span.name,
            "kind": span.kind,
            "error": span.status.code == ERROR,
            "is": {one.key: one.value.string_value for one in span.attributes},
        }
        for body in receiver.spans
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def of_trace(receiver: Receiver, trace: str) -> list[dict[str, Any]]:
    return [span for span in spans(receiver) if span["trace"] == trace]


def test_a_call_its_job_and_what_it_called_are_one_trace(
    watched: Stack, receiver: Receiver
) -> None:
    with watched.client() as api:
        file = {"file": ("words.txt", f"FETCH http://{receiver.address}/".encode())}
        headers = {"traceparent": f"00-{CALLER}-b7ad6b7169203331-01"}
        made = api.post("wordcount/create/", files=file, headers=headers)
        assert made.headers["X-Request-ID"] == CALLER
        request = made.json()
        api.wait("wordcount", request["id"])

    def job() -> list[dict[str, Any]]:
        found = of_trace(receiver, CALLER)
        has_job = any(span["name"] == "job wordcount" for span in found)
        return found if has_job and any(span["kind"] == SERVER for span in found) else []

    found = wait_for(job, what="the spans of the call and the job")
    (call,) = (span for span in found if span["kind"] == SERVER)
    assert call["parent"] == "b7ad6b7169203331"
    assert call["name"] == "POST api/v1/wordcount/create/?$"
    (work,) = (span for span in found if span["name"] == "job wordcount")
    assert work["is"]["request.id"] == request["id"]
    below = [span for span in found if span["parent"] == work["id"]]
    assert [s["name"] for s in below if s["kind"] == 1] == [
        "validate",
        "process",
        "save",
        "cleanup",
    ]
    (process,) = (span for span in below if span["name"] == "process")
    assert "count" in [span["name"] for span in found if span["parent"] == process["id"]]
    calls = [span["is"].get("url.full") for span in below if span["kind"] == CLIENT]
    assert f"http://{receiver.address}/" in calls
    statements = [s for s in found if s["is"].get("db.system.name") == "postgresql"]
    assert {call["id"], work["id"]} <= {span["parent"] for span in statements}


def test_a_failure_is_one_and_tells_its_code(watched: Stack, receiver: Receiver) -> None:
    with watched.client() as api:
        made = api.create("wordcount", b"a\x00b")
        api.wait("wordcount", made["id"])

    def failed() -> list[dict[str, Any]]:
        jobs = [span for span in spans(receiver) if span["is"].get("request.id") == made["id"]]
        return [span for span in jobs if span["error"]]

    (span,) = wait_for(failed)
    assert span["is"]["request.outcome"] == "failed"


def test_an_error_has_the_trace_id_and_nothing_of_a_person(
    watched: Stack, receiver: Receiver
) -> None:
    with watched.client() as api:
        made = api.create("wordcount", b"RAISE password=hunter2hunter2", "their-file.txt")
        api.wait("wordcount", made["id"])

    def reported() -> list[dict[str, Any]]:
        lines = [line for body in receiver.errors for line in body.split(b"\n") if line]
        tagged = [one for one in map(json.loads, lines) if "tags" in one]
        return [one for one in tagged if one["tags"].get("request_id") == made["id"]]

    (event,) = wait_for(reported)
    assert event["tags"]["trace_id"]
    assert "user" not in event
    text = json.dumps(event)
    assert "wordcount" in text
    for secret in ("hunter2hunter2", "their-file", ADMIN["email"], '"vars"'):
        assert secret not in text


def test_no_secret_of_an_address_is_sent(watched: Stack, receiver: Receiver) -> None:
    with watched.client() as api:
        secret = "c2VjcmV0-c2VjcmV0-c2VjcmV0-4711"
        answer = api.get(f"wordcount/status/{secret}/?token={secret}")
        trace = answer.headers["X-Request-ID"]
        wait_for(lambda: of_trace(receiver, trace), what="its span")
    everything = b"".join([*receiver.spans, *receiver.errors])
    assert secret.encode() not in everything
    assert ADMIN["password"].encode() not in everything


def test_what_waits_for_work_makes_no_traces(watched: Stack, receiver: Receiver) -> None:
    assert not [s for s in spans(receiver) if s["kind"] == CLIENT and not s["parent"]]
    assert not [s for s in spans(receiver) if "/health/" in s["is"].get("url.path", "")]


def test_a_collector_that_hangs_holds_nothing_up(watched: Stack, receiver: Receiver) -> None:
    receiver.hangs = True
    try:
        with watched.client() as api:
            made = api.create("wordcount", b"two words")
            assert api.wait("wordcount", made["id"])["status"] == "completed"
            wait_for(lambda: receiver.waited, what="a call to the collector is given up")
            assert max(receiver.waited) < 5  # two seconds on a busy machine; the library's are ten
            api.get("version/")  # whose spans have yet to go when web stops
        began = time.monotonic()
        watched.stop("web")
        assert time.monotonic() - began < 15  # the library waits for thirty
    finally:
        receiver.hangs = False
        if "web" not in watched.processes:
            watched.start("web")  # for whoever comes next


def test_without_an_address_nothing_of_it_is_loaded() -> None:
    # but for a part that redis imports by itself
    script = (
        "import sys, django; django.setup(); import backend_django.config.urls;"
        "names = 'opentelemetry.sdk.trace', 'opentelemetry.instrumentation', 'sentry_sdk';"
        "print([name for name in names if name in sys.modules])"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr
