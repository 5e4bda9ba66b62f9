"""The life of a delivery: queued with the end of a request, sent by a job, tried again for days.

A receiver may hang, redirect, say a lot, or lie about its address: each call is guarded
(utils/http_client.py), and none takes longer than WEBHOOK_TIMEOUT_SECONDS. One that does not
respond is left alone for a while, with all that waits for it, so that it cannot keep the workers.
One that responds slowly can't either: an owner's deliveries are sent one after the other, and once
one took long, the others are left to the rounds.
"""

import json
import time
from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce, Now
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from backend_django.policies import Action, can
from backend_django.processing.api.serializers import request_state
from backend_django.processing.models import ProcessingRequest
from backend_django.users.models import User
from backend_django.utils import outbox
from backend_django.utils.encryption import DecryptionError, decrypt
from backend_django.utils.errors import Conflict, ServiceError
from backend_django.utils.http_client import Reply, post_once
from backend_django.utils.messages import Message
from backend_django.utils.signatures import signed_headers
from backend_django.utils.site import page_url, site_url
from backend_django.utils.tasks import send_on_commit
from backend_django.utils.text import clean_text

from .models import TEST_EVENT, Webhook, WebhookDelivery
from .services import PURPOSE, deliveries_of, webhook_disable

TASK = "backend_django.notifications.tasks.send_delivery"
LONGEST_PAUSE = timedelta(hours=6)
LONGEST_AWAY = timedelta(hours=1)
KEPT_OF_RESPONSE = 1000
OWNER = "owner"  # of the request, in a payload; it is not sent
MESSAGES_AT_ONCE = 20  # the rest of many is found by the next round
QUICK_SECONDS = 2  # a delivery that took longer is not followed by the owner's next at once


def ended_event(request: ProcessingRequest) -> str:
    """Return the name of the event that a request has ended."""
    return f"request.{request.status}"


def deliveries_queue(events: Iterable[tuple[Any, ProcessingRequest]]) -> None:
    """Have webhooks told, after the present transaction, that requests have ended.

    Args:
        events: the id of a webhook, and a request.
    """
    made, events = [], list(events)
    # Workers send mails, too: they are told of one delivery of an owner's, and go on from there.
    idle = Webhook.objects.filter(id__in={webhook_id for webhook_id, _ in events}).exclude(
        owner__in=_first_attempts().values("webhook__owner")
    )
    owners = dict(idle.values_list("id", "owner"))
    for webhook_id, request in events:
        event, state = ended_event(request), request_state(request)
        payload = {
            "type": event,
            "timestamp": state["finished_at"],
            "data": {"kind": request.kind, **state},
            OWNER: request.owner_id,
        }
        made.append(WebhookDelivery(webhook_id=webhook_id, event=event, payload=payload))
    WebhookDelivery.objects.bulk_create(made)
    first = {owners[each.webhook_id]: each for each in made[::-1] if each.webhook_id in owners}
    for delivery in list(first.values())[:MESSAGES_AT_ONCE]:
        send_on_commit(TASK, str(delivery.id))


@transaction.atomic
def delivery_test(*, webhook: Webhook) -> WebhookDelivery:
    """Send a test event, once; it works for a disabled webhook too."""
    is_first = _is_first(webhook.owner_id, event=TEST_EVENT)
    delivery = WebhookDelivery.objects.create(
        webhook=webhook,
        event=TEST_EVENT,
        payload={"type": TEST_EVENT, "timestamp": timezone.now().isoformat(), "data": {}},
    )
    if is_first:
        send_on_commit(TASK, str(delivery.id))
    return delivery


@transaction.atomic
def delivery_resend(*, delivery: WebhookDelivery) -> None:
    """Send a delivery again that has ended, whatever came of it; the receiver sees the same id.

    Raises:
        Conflict: it is still pending, or its webhook is disabled.
    """
    if not delivery.webhook.is_enabled and delivery.event != TEST_EVENT:
        raise Conflict("This webhook is disabled. Enable it first.")
    is_first = _is_first(delivery.webhook.owner_id)
    again = WebhookDelivery.objects.filter(id=delivery.id, finished_at__isnull=False).update(
        finished_at=None, outcome="", next_attempt_at=Now()
    )
    if not again:
        raise Conflict("This delivery is still pending. It is tried again automatically.")
    Webhook.objects.filter(id=delivery.webhook_id).update(away_until=None)
    if is_first:
        send_on_commit(TASK, str(delivery.id))
    delivery.refresh_from_db()


def _is_first(owner_id: Any, **conditions: Any) -> bool:
    """Return whether no other delivery of a user's waits, so that a worker may be told of one.

    Calls that are made by hand would otherwise take a worker each from mails, as long as the
    receiver hangs. The next round sends the rest, one after the other.
    """
    owner = User.objects.select_for_update(no_key=True).get(pk=owner_id)  # one after the other
    return not deliveries_of(owner).filter(finished_at=None, **conditions).exists()


def _callable_now() -> QuerySet[WebhookDelivery]:
    at_home = Q(webhook__away_until__isnull=True) | Q(webhook__away_until__lte=Now())
    return WebhookDelivery.objects.filter(at_home | Q(event=TEST_EVENT))


def _first_attempts() -> QuerySet[WebhookDelivery]:
    """Return the deliveries that wait for their first attempt, or are at it."""
    return _callable_now().filter(finished_at=None, error="")


def deliveries_send_due() -> None:
    """Send what waits for another attempt, and what no worker was told of."""
    outbox.send_due(
        _callable_now(),
        lambda delivery_id: delivery_send(delivery_id=delivery_id),
        by="webhook__owner",
    )


def deliveries_send_in_turn(*, delivery_id: Any) -> None:
    """Send a delivery, then have a worker told of its owner's next, unless this one took long."""
    began = time.monotonic()
    delivery_send(delivery_id=delivery_id)
    if time.monotonic() - began > QUICK_SECONDS:
        return
    owner = WebhookDelivery.objects.filter(id=delivery_id).values("webhook__owner")
    waiting = _first_attempts().filter(attempts=0, webhook__owner__in=owner)
    if following := waiting.order_by("created_at").first():
        send_on_commit(TASK, str(following.id))


def delivery_send(*, delivery_id: Any) -> None:
    """Try to send a delivery that is due; harmless when called twice, or for one that is gone."""
    delivery = outbox.claim(_callable_now().select_related("webhook__owner"), delivery_id)
    if delivery is None:
        return
    webhook = delivery.webhook
    is_wanted = webhook.is_enabled or delivery.event == TEST_EVENT
    if not (is_wanted and webhook.owner.is_active):
        outbox.finish(delivery, "dropped", Message("The webhook is disabled."))
        return
    # They may have left the team since; the request may be gone, so its row can't be asked.
    owner_id = delivery.payload.get(OWNER, webhook.owner_id)
    if not can(webhook.owner_id, Action.VIEW, ProcessingRequest(owner_id=owner_id)):
        outbox.finish(delivery, "dropped", Message("You can't see this request any more."))
        return
    began = time.monotonic()
    try:
        reply = _call(delivery)
    except DecryptionError:
        outbox.finish(
            delivery,
            "failed",
            Message("The secret can't be read any more. Create a new one, then resend."),
        )
        return
    except ServiceError as error:
        seen: dict[str, Any] = {"status_code": None, "response": "", "seconds": _since(began)}
        _record_failure(delivery, error.message, is_away=True, **seen)
        return
    seen = {
        "status_code": reply.status,
        "response": clean_text(reply.body, KEPT_OF_RESPONSE),
        "seconds": _since(began),
    }
    if 200 <= reply.status < 300:
        outbox.finish(delivery, "sent", **seen)
        if webhook.failing_since or webhook.times_away:
            Webhook.objects.filter(id=webhook.id).update(
                failing_since=None, away_until=None, times_away=0
            )
        return
    _record_failure(delivery, _describe_status(reply.status), **seen)
    if reply.status == 410:
        webhook_disable(webhook=webhook, reason=Webhook.DisabledReason.GONE)


def _describe_status(status: int) -> Message:
    return Message("The receiver responded %(status)s.", status=str(status))


def _since(began: float) -> float:
    return round(time.monotonic() - began, 3)


def _call(delivery: WebhookDelivery) -> Reply:
    webhook = delivery.webhook
    secrets = [decrypt(webhook.secret, purpose=PURPOSE)]
    if webhook.previous_secret_until and webhook.previous_secret_until > timezone.now():
        with suppress(DecryptionError):  # of a key that was lost: the new one is enough
            secrets.append(decrypt(webhook.previous_secret, purpose=PURPOSE))
    body = json.dumps(message_of(delivery), separators=(",", ":")).encode()
    headers = signed_headers(
        secrets,
        message_id=str(delivery.id),
        timestamp=int(timezone.now().timestamp()),
        body=body,
    )
    agent = f"{settings.PROJECT.slug}/{settings.PROJECT.version}"
    return post_once(
        webhook.url,
        body=body,
        headers={"Content-Type": "application/json", "User-Agent": agent, **headers},
        seconds=settings.WEBHOOK_TIMEOUT_SECONDS,  # type: ignore[misc]
        max_bytes=KEPT_OF_RESPONSE,
    )


def message_of(delivery: WebhookDelivery) -> dict[str, Any]:
    """Return what is sent: the payload, with links where the request can be looked at."""
    data = delivery.payload["data"]
    if not data:  # a test
        return delivery.payload
    links = request_links(data["kind"], data["id"])
    if data["status"] != ProcessingRequest.Status.COMPLETED:
        links.pop("results", None)
    sent = {name: value for name, value in delivery.payload.items() if name != OWNER}
    return sent | {"data": {**data, "links": links}}


def request_links(kind: str, request_id: Any) -> dict[str, str]:
    """Return the URLs of a request: its page, status and results; some kinds have no results.

    The page is the one for all kinds: it leads to that of the kind, if there is one.
    """
    root, own = site_url(), {"id": request_id}
    links = {"page": page_url(f"/requests/{request_id}")}
    try:
        paths = {what: reverse(f"{kind}-{what}", kwargs=own) for what in ("status", "results")}
    except NoReverseMatch:
        paths = {"status": reverse("any-request-status", kwargs=own)}
    return links | {what: f"{root}{path.removesuffix('/')}/" for what, path in paths.items()}


def _record_failure(
    delivery: WebhookDelivery, error: str, *, is_away: bool = False, **seen: Any
) -> None:
    seen["error_made_of"] = error.to_json() if isinstance(error, Message) else None
    if delivery.event == TEST_EVENT:
        outbox.finish(delivery, "failed", error, **seen)
        return
    webhook = delivery.webhook
    times = webhook.times_away + 1 if is_away else 0
    Webhook.objects.filter(id=webhook.id).update(
        failing_since=Coalesce("failing_since", Now()),
        times_away=min(times, 30),
        away_until=Now() + _pause(times, LONGEST_AWAY) if is_away else None,
    )
    if outbox.is_too_old(delivery, settings.WEBHOOK_GIVE_UP_HOURS):  # type: ignore[misc]
        outbox.finish(delivery, "failed", error, **seen)
    else:
        outbox.try_later(delivery, _pause(delivery.attempts, LONGEST_PAUSE), error, **seen)
    limit = timezone.now() - timedelta(days=settings.WEBHOOK_DISABLE_DAYS)  # type: ignore[misc]
    if webhook.failing_since and webhook.failing_since < limit:
        webhook_disable(webhook=webhook, reason=Webhook.DisabledReason.FAILING)


def _pause(times: int, longest: timedelta) -> timedelta:
    """Return 30 s, 2 min, 8 min, … with the defaults."""
    seconds = settings.WEBHOOK_RETRY_SECONDS * 4 ** min(times - 1, 10)  # type: ignore[misc]
    return min(longest, timedelta(seconds=seconds))


def deliveries_purge() -> int:
    """Remove finished deliveries whose retention is over; return how many."""
    return outbox.purge(WebhookDelivery, settings.WEBHOOK_RETENTION_DAYS)  # type: ignore[misc]
