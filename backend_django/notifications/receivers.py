"""What follows from the end of a request: deliveries and mails, for owners who want them."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from django.db.models import Q

from backend_django.processing.events import on_requests_ended
from backend_django.processing.models import ProcessingRequest
from backend_django.users.models import User

from .deliveries import deliveries_queue, ended_event
from .mails import ended_mails_queue
from .models import NotificationPreference

Mail = NotificationPreference.Mail
Status = ProcessingRequest.Status
MAILED: dict[str, set[str]] = {
    Mail.FAILED: {Status.FAILED},
    Mail.ENDED: {Status.FAILED, Status.COMPLETED},
}


@on_requests_ended
def tell_owners(requests: Sequence[ProcessingRequest]) -> None:
    """Queue what the owners of requests asked for. Where nobody did, this is one query."""
    by_owner: dict[Any, list[ProcessingRequest]] = defaultdict(list)
    for request in requests:
        if request.parent_id is None:  # whoever asked for a pipeline hears of the whole
            by_owner[request.owner_id].append(request)
    if not by_owner:
        return
    wishes = User.objects.filter(
        Q(webhooks__is_enabled=True) | Q(notification_preference__mail__in=list(MAILED)),
        id__in=list(by_owner),
        is_active=True,
    ).values(
        "id",
        "email",
        "notification_preference__mail",
        "webhooks__id",
        "webhooks__events",
        "webhooks__is_enabled",
    )
    events, mails = [], {}
    for wish in wishes:
        ended = by_owner[wish["id"]]
        if wish["webhooks__is_enabled"]:
            wanted = [r for r in ended if ended_event(r) in wish["webhooks__events"]]
            events += [(wish["webhooks__id"], request) for request in wanted]
        statuses = MAILED.get(wish["notification_preference__mail"] or "", set())
        mails[wish["email"]] = [str(r.id) for r in ended if r.status in statuses]
    if events:
        deliveries_queue(events)
    ended_mails_queue(mails)
