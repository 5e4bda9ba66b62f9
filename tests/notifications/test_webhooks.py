"""Receivers learn how requests end: signed, at least once, and not for ever."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import redis
import standardwebhooks
from django.core.mail import EmailMessage
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from backend_django.mail.models import Mail
from backend_django.mail.services import mail_send
from backend_django.notifications import deliveries
from backend_django.notifications.deliveries import (
    deliveries_purge,
    deliveries_send_due,
    deliveries_send_in_turn,
    delivery_resend,
    delivery_send,
    delivery_test,
)
from backend_django.notifications.models import Webhook, WebhookDelivery
from backend_django.notifications.services import (
    preference_set,
    webhook_create,
    webhook_delete,
    webhook_renew_secret,
    webhook_update,
)
from backend_django.processing import lifecycle, reaper
from backend_django.users.models import User
from backend_django.utils import outbox
from backend_django.utils.errors import Conflict
from tests.stack import Api, Stack, wait_for

from .conftest import ALL, Receiver, end, make, make_due, send_all

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
Hook = Callable[..., tuple[Webhook, str]]


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


def test_failure_is_tried_again_with_growing_pauses_and_the_same_id(
    user: User, hook: Hook, receiver: Receiver, settings: Any
) -> None:
    settings.WEBHOOK_RETRY_SECONDS = 30
    webhook, _ = hook("500")
    end(user)
    pauses = []
    for _ in range(7):
        [delivery] = send_all()
        assert (delivery.outcome, delivery.status_code, delivery.response) == ("", 500, "hello")
        pauses.append(round((delivery.next_attempt_at - timezone.now()).total_seconds()))
        make_due()
    assert pauses == pytest.approx([30, 120, 480, 1920, 7680, 21600, 21600], abs=2)
    assert {call.headers["webhook-id"] for call in receiver.calls} == {str(delivery.id)}
    webhook.refresh_from_db()
    assert webhook.failing_since
    receiver.behaviour = "200"
    [delivery] = send_all()
    assert (delivery.outcome, delivery.attempts) == ("sent", 8)
    webhook.refresh_from_db()
    assert webhook.failing_since is None


def sent_mails(mailoutbox: list[EmailMessage]) -> list[EmailMessage]:
    for mail in Mail.objects.all():
        mail_send(mail_id=mail.id)
    return mailoutbox


def test_receiver_that_fails_for_days_is_disabled_and_its_owner_told(
    user: User, hook: Hook, receiver: Receiver, mailoutbox: list[EmailMessage]
) -> None:
    webhook, _ = hook("500")
    first, _ = end(user), end(user)
    old = WebhookDelivery.objects.get(payload__data__id=str(first.id))
    send_all()
    make_due()
    WebhookDelivery.objects.filter(id=old.id).update(
        created_at=timezone.now() - timedelta(hours=73)
    )
    delivery_send(delivery_id=old.id)
    old.refresh_from_db()
    assert (old.outcome, old.attempts) == ("failed", 2)
    webhook.refresh_from_db()
    assert webhook.is_enabled
    Webhook.objects.update(failing_since=timezone.now() - timedelta(days=6))
    send_all()
    webhook.refresh_from_db()
    assert (webhook.is_enabled, webhook.disabled_reason) == (False, "failing")
    assert not WebhookDelivery.objects.filter(finished_at=None).exists()
    [mail] = sent_mails(mailoutbox)
    assert (mail.to, webhook.url in str(mail.body)) == ([user.email], True)
    end(user)
    assert WebhookDelivery.objects.count() == 2, "nothing is queued for it any more"
    webhook_update(webhook=webhook, is_enabled=True)
    assert (webhook.is_enabled, webhook.disabled_reason, webhook.failing_since) == (True, "", None)


def test_receiver_that_is_gone_is_disabled_at_once(
    user: User, hook: Hook, mailoutbox: list[EmailMessage]
) -> None:
    webhook, _ = hook("410")
    end(user)
    [delivery] = send_all()
    assert (delivery.outcome, delivery.status_code) == ("dropped", 410)
    webhook.refresh_from_db()
    assert (webhook.is_enabled, webhook.disabled_reason) == (False, "gone")
    assert "410 Gone" in str(sent_mails(mailoutbox)[0].body)


@pytest.mark.timeout(60)
def test_receiver_that_hangs_costs_one_call_however_much_waits_for_it(
    user: User, hook: Hook, receiver: Receiver, settings: Any
) -> None:
    settings.WEBHOOK_TIMEOUT_SECONDS, settings.WEBHOOK_RETRY_SECONDS = 0.5, 30
    hanging, _ = hook("hang")
    hook("200")
    for _ in range(20):
        end(user)
    sent = send_all()
    assert [call.path for call in receiver.calls].count("/hang") == 1
    assert sum(delivery.outcome == "sent" for delivery in sent) == 20, "others get theirs"
    [tried] = WebhookDelivery.objects.filter(webhook=hanging, attempts=1)
    assert (tried.outcome, tried.status_code) == ("", None)
    assert "did not respond" in tried.error
    WebhookDelivery.objects.update(created_at=timezone.now() - timedelta(minutes=1))
    deliveries_send_due()
    assert [call.path for call in receiver.calls].count("/hang") == 1
    hanging.refresh_from_db()
    Webhook.objects.update(away_until=timezone.now())
    receiver.behaviour = "200"
    deliveries_send_due()
    assert WebhookDelivery.objects.filter(outcome="sent").count() == 39
    hanging.refresh_from_db()
    assert (hanging.times_away, hanging.away_until, hanging.failing_since) == (0, None, None)


def test_receiver_that_is_slow_has_one_worker_at_most_and_not_for_long(
    user: User, hook: Hook, receiver: Receiver, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It responds, but late: mails wait for the same workers."""
    monkeypatch.setattr(deliveries, "QUICK_SECONDS", 0.2)
    monkeypatch.setattr(outbox, "SHARE_SECONDS", 0.2)
    broker = redis.Redis.from_url(settings.REDIS_URL)
    broker.delete("default")
    hook("slow")
    for _ in range(20):
        end(user)
    assert broker.llen("default") == 1
    first, second, *_ = WebhookDelivery.objects.order_by("created_at")
    deliveries_send_in_turn(delivery_id=first.id)
    assert broker.llen("default") == 1, "the others are left to a round"
    receiver.behaviour = "200"
    deliveries_send_in_turn(delivery_id=second.id)
    assert broker.llen("default") == 2, "which is not needed once it is quick"
    receiver.behaviour = ""
    eve = User.objects.create_user("eve@example.org", "pw")
    webhook_create(owner=eve, url=receiver.url(), events=ALL)
    end(eve)
    assert broker.llen("default") == 3
    WebhookDelivery.objects.update(created_at=timezone.now() - timedelta(minutes=1))
    receiver.calls.clear()
    deliveries_send_due()
    assert sorted(call.path for call in receiver.calls) == ["/200", "/slow"]


def test_webhook_that_is_deleted_at_that_moment_keeps_no_request_from_ending(
    user: User, hook: Hook, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look at who wants to know and the commit."""
    doomed, _ = hook()
    hook("201")
    create = WebhookDelivery.objects.bulk_create

    def delete_first(made: list[WebhookDelivery]) -> None:
        with ThreadPoolExecutor(1) as elsewhere:
            elsewhere.submit(delete).result()
        create(made)

    def delete() -> None:
        webhook_delete(webhook=doomed)
        connection.close()

    monkeypatch.setattr(WebhookDelivery.objects, "bulk_create", delete_first)
    assert end(user).status == "completed"
    assert [delivery.status_code for delivery in send_all()] == [201]


def test_delivery_of_a_worker_that_died_is_sent_by_another_once(
    user: User, hook: Hook, receiver: Receiver
) -> None:
    hook()
    end(user)
    [delivery] = WebhookDelivery.objects.all()
    assert outbox.claim(WebhookDelivery.objects.all(), delivery.id)
    send_all()
    assert receiver.calls == [], "it may be at it"
    make_due()

    def send(_: int) -> None:
        try:
            delivery_send(delivery_id=delivery.id)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(send, range(4)))
    assert [call.headers["webhook-id"] for call in receiver.calls] == [str(delivery.id)]


def test_redirect_is_a_failure_and_not_followed(user: User, hook: Hook, receiver: Receiver) -> None:
    hook("302")
    end(user)
    [delivery] = send_all()
    assert (delivery.outcome, delivery.error) == ("", "The receiver responded 302.")
    assert [call.path for call in receiver.calls] == ["/302"]


def test_long_response_is_not_read(user: User, hook: Hook, receiver: Receiver) -> None:
    hook("long")
    end(user)
    [delivery] = send_all()
    assert (delivery.outcome, delivery.response) == ("sent", "x" * 1000)
    assert receiver.sent < 10_000_000


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


def test_nothing_is_delivered_for_a_deactivated_owner(
    user: User, hook: Hook, receiver: Receiver
) -> None:
    hook()
    end(user)
    User.objects.update(is_active=False)
    assert send_all()[0].outcome == "dropped"
    end(user)
    assert (WebhookDelivery.objects.count(), receiver.calls) == (1, [])


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
