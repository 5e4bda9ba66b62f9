"""Calls between our own processes: signed for one call, and for half a minute."""

import time

import pytest
from django.core import signing
from django.core.cache import caches

from backend_django.summaries.service_identity import (
    HEADER,
    NotAService,
    identity_sign,
    identity_verify,
)
from tests.fastapi.calls import call

pytestmark = pytest.mark.django_db
CALL = {"audience": "fastapi", "method": "GET", "path": "/internal/status"}


def test_service_is_known_by_its_name_once() -> None:
    value = identity_sign(caller="django", **CALL)
    assert identity_verify(value, **CALL) == "django"
    caches["redis"].clear()  # as for another process, while Redis is away
    with pytest.raises(NotAService):  # a second time
        identity_verify(value, **CALL)


def test_identity_by_a_clock_that_is_far_ahead_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    for ahead in (5, 40):
        with monkeypatch.context() as clock:
            clock.setattr(time, "time", lambda ahead=ahead: now + ahead)
            value = identity_sign(caller="django", **CALL)
        if ahead == 5:
            assert identity_verify(value, **CALL) == "django"
    with pytest.raises(NotAService):
        identity_verify(value, **CALL)


@pytest.mark.parametrize(
    "other", [{"audience": "django"}, {"method": "POST"}, {"path": "/internal/other"}]
)
def test_identity_is_for_one_call(other: dict[str, str]) -> None:
    value = identity_sign(caller="django", **CALL)
    with pytest.raises(NotAService):
        identity_verify(value, **CALL | other)


def test_identity_does_not_last(monkeypatch: pytest.MonkeyPatch) -> None:
    value = identity_sign(caller="django", **CALL)
    later = time.time() + 31
    monkeypatch.setattr(time, "time", lambda: later)
    with pytest.raises(NotAService):
        identity_verify(value, **CALL)


def test_identity_is_not_made_by_others() -> None:
    value = identity_sign(caller="django", **CALL)
    payload, rest = value.split(":", 1)
    forged = (f"{payload[:-1]}{'A' if payload[-1] != 'A' else 'B'}:{rest}", "", "x:y:z",
              signing.dumps(["django", *CALL.values(), "n"]))  # fmt: skip
    for wrong in forged:
        with pytest.raises(NotAService):
            identity_verify(wrong, **CALL)


def test_status_is_for_services_only(db: None) -> None:
    caches["redis"].clear()
    assert call(None, "get", "/internal/status").status_code == 403
    value = identity_sign(caller="django", **CALL)
    answer = call(None, "get", "/internal/status", headers={HEADER: value})
    assert (answer.status_code, answer.json()["caller"]) == (200, "django")
    again = call(None, "get", "/internal/status", headers={HEADER: value})
    assert (again.status_code, again.json()["code"]) == (403, "not_a_service")
