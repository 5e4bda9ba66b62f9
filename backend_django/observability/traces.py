"""Spans of calls, jobs, statements and calls to others, under the ID that the logs have.

A trace has the trace ID of `backend_django.utils.trace_id`: the log, a problem, the row of a
request and its job all name it. So nothing has to travel with a job.
"""

import hmac
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import entry_points
from typing import Any

from django.conf import settings
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision, SamplingResult, TraceIdRatioBased
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.util.types import AttributeValue

from backend_django.processing.attempt import Attempt, observers
from backend_django.utils.logs import redact
from backend_django.utils.trace_id import TraceIdMiddleware, trace_id

from . import configure

EXPORT_SECONDS = 2.0  # a collector that hangs holds up nothing for longer, a stop neither
DELAY_MILLISECONDS = 1000
UNTRACED = "health/.*,metrics"


class ProductIds(RandomIdGenerator):
    """Gives a trace the ID that the call or the request has already."""

    def generate_trace_id(self) -> int:
        known = trace_id.get()
        if re.fullmatch("[0-9a-f]{32}", known) and int(known, 16):
            return int(known, 16)
        return super().generate_trace_id()


class Sampler(TraceIdRatioBased):
    """Keeps a share of the traces, the same in every process.

    What a caller wants to have sampled does not count: it may be anybody. So which IDs are kept is
    known to this installation only. Nor does a statement that belongs to no call and no job begin a
    trace: a worker that looks for work, a heartbeat.
    """

    def __init__(self, rate: float) -> None:
        super().__init__(rate)
        self.key = f"traces {settings.SECRET_KEY}".encode()

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        *others: Any,
        **more: Any,
    ) -> SamplingResult:
        parent = trace.get_current_span(parent_context).get_span_context()
        if kind is SpanKind.CLIENT and not parent.is_valid:
            return SamplingResult(Decision.DROP)
        digest = hmac.digest(self.key, trace_id.to_bytes(16), "sha256")
        drawn = int.from_bytes(digest[:16])
        return super().should_sample(parent_context, drawn, name, kind, *others, **more)


class RedactingExporter(OTLPSpanExporter):
    """Sends no secret that an address, a statement or an error has in it."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return super().export([without_secrets(span) for span in spans])


def without_secrets(span: ReadableSpan) -> ReadableSpan:
    """Return a span as a log may have it."""
    status = Status(
        span.status.status_code, span.status.description and redact(span.status.description)
    )
    return ReadableSpan(
        name=redact(span.name),
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=_redact(span.attributes),
        events=[Event(one.name, _redact(one.attributes), one.timestamp) for one in span.events],
        links=span.links,
        kind=span.kind,
        instrumentation_scope=span.instrumentation_scope,
        status=status,
        start_time=span.start_time,
        end_time=span.end_time,
    )


def _redact(attributes: Mapping[str, Any] | None) -> dict[str, Any]:
    return {
        name: redact(value) if isinstance(value, str) else value
        for name, value in (attributes or {}).items()
    }


def record_traces() -> None:
    """Send spans of this process and of those it forks to the collector."""
    resource = Resource.create(
        {"service.name": configure.OTEL_SERVICE_NAME or settings.PROJECT.slug}
    )
    provider = TracerProvider(
        sampler=Sampler(configure.OTEL_TRACES_SAMPLER_ARG),
        resource=resource,
        id_generator=ProductIds(),
    )
    address = configure.OTEL_EXPORTER_OTLP_ENDPOINT + "/v1/traces"
    exporter = RedactingExporter(endpoint=address, timeout=EXPORT_SECONDS)
    provider.add_span_processor(
        BatchSpanProcessor(exporter, schedule_delay_millis=DELAY_MILLISECONDS)
    )
    trace.set_tracer_provider(provider)
    # Whatever is installed, so that a package is all it takes to see one library more.
    os.environ.setdefault("OTEL_SEMCONV_STABILITY_OPT_IN", "http,database")  # no outdated names
    options = {"django": {"excluded_urls": UNTRACED, "middleware_position": _after_trace_id()}}
    for point in entry_points(group="opentelemetry_instrumentor"):
        point.load()().instrument(**options.get(point.name, {}))
    observers.append(record_attempt)


@contextmanager
def record_attempt(attempt: Attempt) -> Iterator[None]:
    """Record an attempt, its phases and their steps."""
    request, tracer = attempt.request, trace.get_tracer(__name__)
    attributes: dict[str, AttributeValue] = {
        "request.id": str(request.id),
        "request.kind": request.kind,
        "request.attempt": request.attempt,
        "request.queue": request.queue,
    }
    with tracer.start_as_current_span(
        f"job {request.kind}", Context(), SpanKind.CONSUMER, attributes
    ) as span:
        parts: list[Any] = []

        def go_on(phase: str, step: str) -> None:
            while parts[1 if step else 0 :]:
                parts.pop().end()
            context = trace.set_span_in_context(parts[0] if parts else span)
            parts.append(tracer.start_span(step or phase, context))

        attempt.listeners.append(go_on)
        yield
        while parts:
            parts.pop().end()
        span.set_attribute("request.outcome", attempt.outcome)
        if attempt.error_code:
            span.set_status(StatusCode.ERROR, attempt.error_code)


def _after_trace_id() -> int:
    path = f"{TraceIdMiddleware.__module__}.{TraceIdMiddleware.__qualname__}"
    return int(settings.MIDDLEWARE.index(path)) + 1
