"""Receivers learn how requests end: signed, at least once, and not for ever."""

import json
from datetime import timedelta
from typing import Any

import pytest
import standardwebhooks
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from backend_django.mail.models import Mail
from backend_django.notifications.deliveries import (
    deliveries_purge,
    delivery_resend,
    delivery_test,
)
from backend_django.notifications.models import Webhook, WebhookDelivery
from backend_django.notifications.services import (
    preference_set,
    webhook_renew_secret,
    webhook_update,
)
from backend_django.processing import lifecycle, reaper
from backend_django.users.models import User
from backend_django.utils.errors import Conflict
from tests.stack import Api, Stack, wait_for

from .conftest import ALL, Hook, Receiver, end, make, send_all

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


@pytest.mark.parametrize("status", ["completed", "failed", "cancelled"])
def test_receiver_gets_what_the_api_says_and_can_verify_it(
    user: User, hook: Hook, receiver: Receiver, visitor: Client, settings: Any, status: str
) -> None:
    settings.SITE_URL = "https://www.example.org"
    _, secret = hook()
    request = end(user, status)
    [delivery] = send_all()
    assert (delivery.outcome, delivery.attempts, delivery.status_code) == ("sent", 1, 200)
    [call] = receiver.calls
    message = standardwebhooks.Webhook(secret).verify(call.body, call.headers)
    assert message["type"] == f"request.{status}"
    links = message["data"].pop("links")
    assert message["data"].pop("kind") == "wordcount"
    said = visitor.get(links["status"].removeprefix("https://www.example.org")).json()
    assert message["data"] == said
    assert links["page"] == f"https://www.example.org/requests/{request.id}"
    assert ("results" in links) == (status == "completed")
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        standardwebhooks.Webhook(secret).verify(call.body + b" ", call.headers)


def test_events_that_were_not_chosen_are_not_delivered(user: User, hook: Hook) -> None:
    hook(events=["request.failed"])
    other = User.objects.create_user("eve@example.org", "pw")
    for owner, status in ((user, "completed"), (user, "cancelled"), (other, "failed")):
        end(owner, status)
    assert not WebhookDelivery.objects.exists()
    end(user, "failed")
    assert [delivery.event for delivery in send_all()] == ["request.failed"]


def test_owner_costs_one_statement(user: User) -> None:
    """It writes the notification, and finds that nothing else is wanted."""
    request = lifecycle.claim(make(user).id)
    assert request
    with CaptureQueriesContext(connection) as queries:
        assert lifecycle.complete(request.id, 1, data={}, files={})
    assert [query["sql"].split()[0] for query in queries] == ["BEGIN", "WITH", "WITH", "COMMIT"]


def test_many_ends_cost_a_few_statements(user: User, hook: Hook, receiver: Receiver) -> None:
    hook()
    hook("500")
    preference_set(user=user, mail="ended")
    for _ in range(30):
        assert lifecycle.claim(make(user, max_attempts=1).id)
    lost = user.processing_requests.filter(status="processing")
    lost.update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    with CaptureQueriesContext(connection) as queries:
        assert len(reaper.reap_expired()) == 30
    assert WebhookDelivery.objects.count() == 60
    assert len(Mail.objects.get().content["items"]) == 30
    assert len(queries) < 15


def test_end_that_is_undone_is_told_to_nobody(user: User, hook: Hook) -> None:
    hook()
    request = lifecycle.claim(make(user).id)
    assert request
    with transaction.atomic():
        lifecycle.fail(request.id, 1, code="x", message="x")
        assert WebhookDelivery.objects.exists()
        transaction.set_rollback(True)
    assert not WebhookDelivery.objects.exists()


def test_secret_is_in_no_dump_and_a_new_key_keeps_it(
    user: User, hook: Hook, receiver: Receiver, settings: Any
) -> None:
    _, secret = hook()
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM notifications_webhook")
        assert secret.removeprefix("whsec_") not in str(cursor.fetchall())
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another-key-" * 6
    end(user)
    assert send_all()[0].outcome == "sent"
    standardwebhooks.Webhook(secret).verify(receiver.calls[0].body, receiver.calls[0].headers)
    settings.SECRET_KEY_FALLBACKS = []
    delivery_resend(delivery=WebhookDelivery.objects.get())
    [delivery] = send_all()
    assert (delivery.outcome, len(receiver.calls)) == ("failed", 1)
    assert "Create a new one" in delivery.error
    new = webhook_renew_secret(webhook=Webhook.objects.get())
    delivery_resend(delivery=delivery)
    assert send_all()[0].outcome == "sent"
    standardwebhooks.Webhook(new).verify(receiver.calls[1].body, receiver.calls[1].headers)


def test_old_secret_signs_for_a_day(user: User, hook: Hook, receiver: Receiver) -> None:
    webhook, old = hook()
    new = webhook_renew_secret(webhook=webhook)
    end(user)
    send_all()
    for secret in (old, new):
        standardwebhooks.Webhook(secret).verify(receiver.calls[0].body, receiver.calls[0].headers)
    Webhook.objects.update(previous_secret_until=timezone.now() - timedelta(seconds=1))
    delivery_resend(delivery=WebhookDelivery.objects.get())
    send_all()
    standardwebhooks.Webhook(new).verify(receiver.calls[1].body, receiver.calls[1].headers)
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        standardwebhooks.Webhook(old).verify(receiver.calls[1].body, receiver.calls[1].headers)


def test_delivery_is_sent_again_by_hand(user: User, hook: Hook, receiver: Receiver) -> None:
    webhook, _ = hook()
    end(user)
    [delivery] = WebhookDelivery.objects.all()
    with pytest.raises(Conflict, match="pending"):
        delivery_resend(delivery=delivery)
    for count in (1, 2):
        [delivery] = send_all()
        assert (delivery.outcome, delivery.attempts, len(receiver.calls)) == ("sent", count, count)
        delivery_resend(delivery=delivery)
    webhook_update(webhook=webhook, is_enabled=False)
    delivery.refresh_from_db()
    with pytest.raises(Conflict, match="Enable it"):
        delivery_resend(delivery=delivery)
    assert {call.headers["webhook-id"] for call in receiver.calls} == {str(delivery.id)}


def test_test_event_is_sent_once_also_to_a_disabled_webhook(
    user: User, hook: Hook, receiver: Receiver
) -> None:
    webhook, secret = hook("500")
    webhook_update(webhook=webhook, is_enabled=False)
    delivery_test(webhook=webhook)
    [delivery] = send_all()
    assert (delivery.outcome, delivery.error) == ("failed", "The receiver responded 500.")
    message = standardwebhooks.Webhook(secret).verify(
        receiver.calls[0].body, receiver.calls[0].headers
    )
    assert message["type"] == "webhook.test"
    webhook.refresh_from_db()
    assert webhook.failing_since is None, "a test says nothing about the deliveries"


def test_log_is_kept_for_a_bounded_time(user: User, hook: Hook) -> None:
    hook()
    end(user)
    send_all()
    assert deliveries_purge() == 0
    WebhookDelivery.objects.update(finished_at=timezone.now() - timedelta(days=15))
    assert deliveries_purge() == 1


def test_steps_of_a_pipeline_are_its_own_business(
    user: User, hook: Hook, receiver: Receiver
) -> None:
    hook()
    preference_set(user=user, mail="ended")
    pipeline = make(user)
    end(user, parent=pipeline, step_key="first")
    end(user, "failed", parent=pipeline, step_key="second")
    assert not WebhookDelivery.objects.exists()
    assert not Mail.objects.exists()
    claimed = lifecycle.claim(pipeline.id)
    assert claimed
    assert lifecycle.complete(claimed.id, 1, data={}, files={})
    [delivery] = send_all()
    assert delivery.payload["data"]["id"] == str(pipeline.id)
    assert Mail.objects.get().content["items"] == [str(pipeline.id)]


def test_request_of_a_kind_without_an_api_has_links(
    user: User, hook: Hook, receiver: Receiver, visitor: Client
) -> None:
    hook()
    old = timezone.now() - timedelta(hours=2)
    request = make(user, kind="gone")
    type(request).objects.update(created_at=old)
    assert reaper.fail_unknown() == 1
    send_all()
    links = json.loads(receiver.calls[0].body)["data"]["links"]
    assert links.keys() == {"page", "status"}
    status = visitor.get(links["status"].removeprefix("https://www.example.org"))
    assert status.json()["id"] == str(request.id)


def test_number_of_webhooks_is_limited(user: User, hook: Hook, settings: Any) -> None:
    settings.WEBHOOKS_PER_USER = 2
    hook()
    hook()
    with pytest.raises(Conflict, match="You have 2 webhooks"):
        hook()
    settings.WEBHOOKS_PER_USER = 0
    with pytest.raises(Conflict, match="turned off"):
        hook()


@pytest.mark.slow
def test_worker_delivers_the_end_of_a_real_request(
    api: Api, stack: Stack, receiver: Receiver
) -> None:
    created = api.post("notifications/webhooks/", json={"url": receiver.url(), "events": ALL})
    assert created.status_code == 201, created.text
    webhook = created.json()
    try:
        request = api.create("wordcount", b"one two")
        wait_for(lambda: receiver.calls)
        call = receiver.calls[0]
        message = standardwebhooks.Webhook(webhook["secret"]).verify(call.body, call.headers)
        assert (message["type"], message["data"]["id"]) == ("request.completed", request["id"])
        log = f"notifications/webhooks/{webhook['id']}/deliveries/"
        wait_for(lambda: api.get(log).json()["results"][0]["status"] == "sent")
    finally:
        api.delete(f"notifications/webhooks/{webhook['id']}/")
    assert api.get("notifications/webhooks/").json()["count"] == 0
