"""Receivers that fail, hang or are slow, and workers that die while they call them."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import redis
from django.core.mail import EmailMessage
from django.db import connection
from django.utils import timezone

from backend_django.mail.models import Mail
from backend_django.mail.services import mail_send
from backend_django.notifications import deliveries
from backend_django.notifications.deliveries import (
    deliveries_send_due,
    deliveries_send_in_turn,
    delivery_send,
)
from backend_django.notifications.models import Webhook, WebhookDelivery
from backend_django.notifications.services import (
    webhook_create,
    webhook_delete,
    webhook_update,
)
from backend_django.users.models import User
from backend_django.utils import outbox

from .conftest import ALL, Hook, Receiver, end, make_due, send_all

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


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
    monkeypatch.setattr(deliveries, "QUICK_SECONDS", 30)
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


def test_nothing_is_delivered_for_a_deactivated_owner(
    user: User, hook: Hook, receiver: Receiver
) -> None:
    hook()
    end(user)
    User.objects.update(is_active=False)
    assert send_all()[0].outcome == "dropped"
    end(user)
    assert (WebhookDelivery.objects.count(), receiver.calls) == (1, [])
