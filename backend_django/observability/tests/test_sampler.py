"""How many traces are recorded is the installation's choice, whatever callers send."""

from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, TraceFlags

from backend_django.observability.traces import Sampler

CALLS = 4000


def is_kept(sampler: Sampler, trace_id: int, flags: int) -> bool:
    """Let a caller ask with these."""
    caller = SpanContext(trace_id, 1, is_remote=True, trace_flags=TraceFlags(flags))
    context = trace.set_span_in_context(NonRecordingSpan(caller))
    result = sampler.should_sample(context, trace_id, "GET", SpanKind.SERVER)
    return result.decision is Decision.RECORD_AND_SAMPLE


@pytest.mark.parametrize("flags", [0, 1])
def test_chosen_ids_and_flags_do_not_move_the_rate(flags: int) -> None:
    sampler = Sampler(0.1)
    kept = sum(is_kept(sampler, number, flags) for number in range(1, CALLS + 1))  # all are low
    assert 0.07 < kept / CALLS < 0.13


def test_all_processes_of_an_installation_keep_the_same_and_others_do_not(settings: Any) -> None:
    def kept() -> list[bool]:
        sampler = Sampler(0.5)
        return [is_kept(sampler, number, 1) for number in range(1, 201)]

    here = kept()
    assert kept() == here
    settings.SECRET_KEY = "of another installation"
    assert kept() != here


@pytest.mark.parametrize(("rate", "expected"), [(0, False), (1, True)])
def test_all_and_none(rate: float, expected: bool) -> None:
    sampler = Sampler(rate)
    assert {is_kept(sampler, number, 1) for number in range(1, 100)} == {expected}
