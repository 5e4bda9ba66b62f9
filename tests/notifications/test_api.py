"""Preferences and webhooks over the API, and in the admin."""

import json
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from backend_django.audit.models import AuditEvent
from backend_django.notifications.models import Webhook, WebhookDelivery
from backend_django.notifications.services import webhook_create
from backend_django.users.models import User

from .conftest import ALL, Receiver, end, make_due, send_all

pytestmark = pytest.mark.slow

URL = "/api/v1/notifications"


def call(client: Client, method: str, path: str, data: Any = "") -> Any:
    return getattr(client, method)(f"{URL}/{path}", data, content_type="application/json")


def test_preference_has_a_default_and_can_be_chosen(visitor: Client) -> None:
    default = {"page": "ended", "browser": "never", "mail": "never"}
    assert visitor.get(f"{URL}/preferences/").json() == default
    for channel, first in default.items():
        for when in ("ended", "failed", "never"):
            changed = call(visitor, "patch", "preferences/", {channel: when}).json()
            assert changed == default | {channel: when}
            assert visitor.get(f"{URL}/preferences/").json() == changed
        call(visitor, "patch", "preferences/", {channel: first})
    assert call(visitor, "patch", "preferences/", {}).json() == default
    for wrong in ({"mail": "always"}, {"page": None}, {"mails": "never"}):
        assert call(visitor, "patch", "preferences/", wrong).status_code == 400


def test_secret_is_shown_once(visitor: Client) -> None:
    created = call(visitor, "post", "webhooks/", {"url": "https://example.org/", "events": ALL})
    assert created.status_code == 201
    secret, id_ = created.json()["secret"], created.json()["id"]
    renewed = call(visitor, "post", f"webhooks/{id_}/new-secret/").json()["secret"]
    assert secret != renewed
    listed = visitor.get(f"{URL}/webhooks/").content + visitor.get(f"{URL}/webhooks/{id_}/").content
    assert b"whsec_" not in listed
    assert b"secret" not in listed
    assert secret not in str(AuditEvent.objects.values())


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"url": "http://example.org/", "events": ALL}, "url"),
        ({"url": "https://example.org/", "events": []}, "events"),
        ({"url": "https://example.org/", "events": ["request.begun"]}, "events.0"),
        ({"url": "https://example.org/", "events": "request.failed"}, "events"),
        ({"url": "https://example.org/"}, "events"),
        ({"url": "https://example.org/", "events": ALL, "secret": "mine"}, "secret"),
        ({"url": "https://example.org/\x00", "events": ALL}, "url"),
        ({"url": "https://example.org/" + "x" * 2000, "events": ALL}, "url"),
    ],
)
def test_input_is_refused_with_the_field(visitor: Client, data: Any, field: str) -> None:
    refused = call(visitor, "post", "webhooks/", data)
    assert refused.status_code == 400, refused.content
    assert refused.json()["errors"][0]["field"] == field
    assert not Webhook.objects.exists()


def test_webhook_is_changed_disabled_enabled_and_deleted(visitor: Client) -> None:
    data = {"url": "https://example.org/", "events": [*ALL[::-1], ALL[0]]}
    assert call(visitor, "post", "webhooks/", data).status_code == 400, "an event twice"
    id_ = call(visitor, "post", "webhooks/", data | {"events": ALL[::-1]}).json()["id"]
    address = f"webhooks/{id_}/"
    changed = call(visitor, "patch", address, {"events": ["request.failed"]}).json()
    assert (changed["events"], changed["url"]) == (["request.failed"], "https://example.org/")
    off = call(visitor, "patch", address, {"is_enabled": False}).json()
    assert (off["is_enabled"], off["disabled_reason"]) == (False, "owner")
    on = call(visitor, "patch", address, {"is_enabled": True, "url": "https://a.example/"}).json()
    assert (on["is_enabled"], on["disabled_reason"], on["url"]) == (True, "", "https://a.example/")
    assert call(visitor, "delete", address).status_code == 204
    assert call(visitor, "get", address).status_code == 404


@pytest.mark.django_db(transaction=True)
def test_log_of_deliveries_and_send_again(visitor: Client, user: User, receiver: Receiver) -> None:
    data = {"url": receiver.url("500"), "events": ALL}
    id_ = call(visitor, "post", "webhooks/", data).json()["id"]
    request = end(user, "failed")
    send_all()
    [logged] = visitor.get(f"{URL}/webhooks/{id_}/deliveries/").json()["results"]
    assert logged["event"] == "request.failed"
    assert (logged["status"], logged["status_code"], logged["attempts"]) == ("pending", 500, 1)
    assert logged["response"] == "hello"
    assert logged["next_attempt_at"] > logged["created_at"]
    assert logged["message"]["data"]["id"] == str(request.id)
    assert logged["message"] == json.loads(receiver.calls[0].body)
    resend = f"deliveries/{logged['id']}/resend/"
    assert call(visitor, "post", resend).status_code == 409
    WebhookDelivery.objects.update(outcome="failed", finished_at=logged["created_at"])
    assert call(visitor, "post", resend).json()["status"] == "pending"
    tested = call(visitor, "post", f"webhooks/{id_}/test/")
    assert (tested.status_code, tested.json()["event"]) == (201, "webhook.test")
    assert visitor.get(f"{URL}/webhooks/{id_}/deliveries/?page_size=1").json()["count"] == 2


def test_tests_are_limited(visitor: Client) -> None:
    data = {"url": "https://example.org/", "events": ALL}
    id_ = call(visitor, "post", "webhooks/", data).json()["id"]
    codes = [call(visitor, "post", f"webhooks/{id_}/test/").status_code for _ in range(21)]
    assert (codes[0], codes[-1]) == (201, 429)


def test_calls_by_hand_take_one_worker_of_a_user(
    visitor: Client,
    user: User,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    """A receiver that hangs would keep as many from mails; the rest is sent one after the other."""
    hooks = [webhook_create(owner=user, url="https://example.org/", events=ALL)[0] for _ in "ab"]
    end(user)
    first, second = WebhookDelivery.objects.all()

    def told(*paths: str) -> int:
        with django_capture_on_commit_callbacks() as callbacks:
            for path in paths:
                assert call(visitor, "post", path).status_code in {200, 201}
        return len(callbacks)

    tests = [f"webhooks/{hook.id}/test/" for hook in hooks]
    assert told(tests[0]) == 1, "although deliveries wait"
    assert told(*tests) == 0, "until the first is over"
    WebhookDelivery.objects.update(finished_at=timezone.now(), outcome="failed")
    assert told(tests[1]) == 1
    WebhookDelivery.objects.update(finished_at=timezone.now(), outcome="failed")
    assert told(*(f"deliveries/{one.id}/resend/" for one in (first, second))) == 1
    assert WebhookDelivery.objects.filter(finished_at=None).count() == 2


def test_admin_sees_them_without_secrets_and_disables(
    admin_client: Client, visitor: Client, user: User
) -> None:
    data = {"url": "https://example.org/", "events": ALL}
    created = call(visitor, "post", "webhooks/", data).json()
    call(visitor, "post", f"webhooks/{created['id']}/test/")
    stored = Webhook.objects.get()
    delivery = WebhookDelivery.objects.get()
    pages = [
        admin_client.get(f"/admin/notifications/{path}")
        for path in (
            "webhook/", f"webhook/{stored.id}/change/",
            "webhookdelivery/", f"webhookdelivery/{delivery.id}/change/",
        )
    ]  # fmt: skip
    for page in pages:
        assert page.status_code == 200
        assert "example.org" in page.content.decode()
        assert stored.secret not in page.content.decode()
    action = {"action": "disable", "_selected_action": [str(stored.id)]}
    assert admin_client.post("/admin/notifications/webhook/", action).status_code == 302
    stored.refresh_from_db()
    assert (stored.is_enabled, stored.disabled_reason) == (False, "admin")


def test_reason_is_told_in_the_language_of_the_reader(
    user: User, visitor: Client, receiver: Receiver
) -> None:
    webhook, _ = webhook_create(owner=user, url=receiver.url("302"), events=ALL)
    end(user)
    send_all()

    def reason(language: str) -> str:
        path, headers = f"{URL}/webhooks/{webhook.id}/deliveries/", {"Accept-Language": language}
        return visitor.get(path, headers=headers).json()["results"][0]["error"]

    assert reason("de") == "Der Empfänger hat mit 302 geantwortet."
    receiver.server_close()
    make_due()
    send_all()
    assert "hat nicht richtig geantwortet" in reason("de")
    assert "did not respond" in reason("en")
