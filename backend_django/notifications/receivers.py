"""What follows from the end of a request: deliveries and mails, for owners who want them."""

import json
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from django.db import connection

from backend_django.processing.events import on_requests_ended
from backend_django.processing.models import ProcessingRequest

from .deliveries import deliveries_queue, ended_event
from .mails import ended_mails_queue
from .models import NotificationPreference

Mail = NotificationPreference.Mail
Status = ProcessingRequest.Status
MAILED: dict[str, set[str]] = {
    Mail.FAILED: {Status.FAILED},
    Mail.ENDED: {Status.FAILED, Status.COMPLETED},
}
# Every request that ends pays for this: composing it costs Django five times as much as running it.
_WISHES = """
    SELECT owner.id, owner.email, preference.mail, webhook.id, webhook.events
    FROM users_user AS owner
    LEFT JOIN notifications_notificationpreference AS preference
        ON preference.user_id = owner.id AND preference.mail <> 'never'
    LEFT JOIN notifications_webhook AS webhook
        ON webhook.owner_id = owner.id AND webhook.is_enabled
    WHERE owner.id = ANY(%s) AND owner.is_active
        AND (preference.mail IS NOT NULL OR webhook.id IS NOT NULL)"""


@on_requests_ended
def tell_owners(requests: Sequence[ProcessingRequest]) -> None:
    """Queue what the owners of requests asked for. Where nobody did, this is one query."""
    by_owner: dict[Any, list[ProcessingRequest]] = defaultdict(list)
    for request in requests:
        if request.parent_id is None:  # whoever asked for a pipeline hears of the whole
            by_owner[request.owner_id].append(request)
    if not by_owner:
        return
    with connection.cursor() as cursor:
        cursor.execute(_WISHES, [list(by_owner)])
        wishes = cursor.fetchall()
    events, mails = [], {}
    for owner, email, mail, webhook, wanted in wishes:
        ended = by_owner[owner]
        if webhook:
            chosen = set(json.loads(wanted))
            events += [(webhook, request) for request in ended if ended_event(request) in chosen]
        mails[email] = [str(r.id) for r in ended if r.status in MAILED.get(mail or "", ())]
    if events:
        deliveries_queue(events)
    ended_mails_queue(mails)
