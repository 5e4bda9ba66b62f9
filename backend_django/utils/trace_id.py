"""Identify an HTTP call: in its response, in its errors and in the log, of its jobs too."""

import re
from collections.abc import Callable
from contextvars import ContextVar
from uuid import uuid4

from django.http import HttpRequest, HttpResponse

HEADER = "X-Request-ID"
trace_id: ContextVar[str] = ContextVar("trace_id", default="")


class TraceIdMiddleware:
    """Use the trace ID that was sent, if it is harmless, or create one; send it back.

    A proxy sends it in X-Request-ID, who records traces in `traceparent` (W3C Trace Context).
    """

    accepted = re.compile(r"[A-Za-z0-9._-]{8,64}")
    traceparent = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get(HEADER, "")
        if traced := self.traceparent.fullmatch(request.headers.get("traceparent", "")):
            given = traced[1]
        token = trace_id.set(given if self.accepted.fullmatch(given) else uuid4().hex)
        try:
            response = self.get_response(request)
            response.headers[HEADER] = trace_id.get()
            return response
        finally:
            trace_id.reset(token)
