"""Refused tokens and refused operators are in the audit trail, and cannot fill it."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import caches
from django.test import Client
from django.utils import timezone

from backend_django.audit.models import AuditEvent
from backend_django.users.models import ApiToken, User
from backend_django.users.services import token_create

from .conftest import Visitor, script

pytestmark = pytest.mark.django_db(transaction=True)  # a refusal undoes the request's transaction
KEY = "made-up-" + "x" * 40


@pytest.fixture
def ada() -> User:
    return User.objects.create_user("ada@example.org", "correct horse battery staple")


def refused(event: str) -> list[tuple[str, str, str]]:
    rows = AuditEvent.objects.filter(event=event, outcome="failure").order_by("id")
    return list(rows.values_list("email", "target", "detail"))


@pytest.mark.parametrize("path", ["auth/user/", "wordcount/list/", "events/"])
def test_a_made_up_token_is_recorded_wherever_it_is_tried(path: str) -> None:
    assert script(KEY).get(f"/api/v1/{path}").status_code == 401
    assert refused("api_token") == [("", "", "The token is not valid.")]
    assert "made-up" not in str(AuditEvent.objects.values())


def test_a_token_that_has_expired_or_is_of_somebody_gone_names_its_owner(ada: User) -> None:
    token, key = token_create(user=ada, name="night", expires_at=timezone.now() + timedelta(days=1))
    ApiToken.objects.update(expires_at=timezone.now())
    assert script(key).look("user").status_code == 401
    ((email, target, detail),) = refused("api_token")
    assert (email, target) == (ada.email, f"{token.hint}… night")
    assert "expired" in detail
    assert key not in str(AuditEvent.objects.values())


def test_a_token_that_may_only_read_is_recorded_when_it_writes(ada: User) -> None:
    key = token_create(user=ada, name="x", scope="read")[1]
    assert script(key).call("logout/others").status_code == 403
    assert script(key).look("user").status_code == 200
    ((email, _, detail),) = refused("api_token")
    assert email == ada.email
    assert "only read" in detail


@pytest.mark.parametrize("path", ["/metrics/", "/health/full/"])
@pytest.mark.parametrize("header", ["", "Bearer wrong", "Token wrong"])
def test_refused_operators_are_recorded(path: str, header: str, settings: Any) -> None:
    settings.METRICS_TOKEN = "right"
    client = Client(headers={"authorization": header} if header else None)
    assert client.get(path).status_code == 401
    assert refused("operators_only") == [("", path, "not_authenticated")]
    assert client.get(path, headers={"authorization": "Bearer right"}).status_code in {200, 503}
    assert len(refused("operators_only")) == 1


def test_a_scanner_leaves_one_row_a_minute(settings: Any) -> None:
    for n in range(20):
        Visitor(headers={"authorization": f"Token guess{n}"}, REMOTE_ADDR="2001:db8::7").get(
            "/api/v1/wordcount/list/"
        )
        Visitor(headers={"authorization": f"Token {n}"}, REMOTE_ADDR=f"2001:db8::{n}").look("user")
        Client(REMOTE_ADDR=f"2001:db8::{n:x}").get("/metrics/")
    assert len(refused("api_token")) == len(refused("operators_only")) == 1
    Visitor(headers={"authorization": "Token a"}, REMOTE_ADDR="203.0.113.7").look("user")
    assert len(refused("api_token")) == 2
    caches["redis"].clear()  # a minute later
    Client(REMOTE_ADDR="2001:db8::9").get("/metrics/")
    assert len(refused("operators_only")) == 2


def test_nobody_without_a_token_is_recorded() -> None:
    assert Visitor().look("user").status_code == 401
    assert not AuditEvent.objects.exists()
