"""Reactions to the end of a request: notification, deliveries and emails, as its owner wants."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from django.db.models.signals import post_delete
from django.dispatch import receiver

from backend_django.live.publish import publish_on_commit
from backend_django.policies import Action, can
from backend_django.processing.events import on_requests_ended
from backend_django.processing.models import ProcessingRequest
from backend_django.utils.messages import Message
from backend_django.utils.prepared import prepared_cursor

from .deliveries import deliveries_queue, ended_event
from .inbox import TOPIC
from .mails import ended_mails_queue
from .models import Notification, NotificationPreference
from .sentences import batch_sentence, ended_sentence

Kind = Notification.Kind
When = NotificationPreference.When
Status = ProcessingRequest.Status
MAILED: dict[str, set[str]] = {
    When.FAILED: {Status.FAILED},
    When.ENDED: {Status.FAILED, Status.COMPLETED},
}
# Every request that ends pays for this: one statement writes the notifications of owners who want
# them and reads what else owners want. Composing it costs Django five times as much as running it.
_TELL = """
    WITH told AS (
        INSERT INTO notifications_notification
            (id, user_id, kind, request_kind, request_id, batch, text, made_of)
        SELECT gen_random_uuid(), ended.*
        FROM jsonb_to_recordset(%s::jsonb) AS ended (owner_id bigint, kind text, request_kind text,
            request_id uuid, batch uuid, text text, made_of jsonb)
        JOIN users_user AS owner ON owner.id = ended.owner_id AND owner.is_active
        LEFT JOIN notifications_notificationpreference AS preference
            ON preference.user_id = owner.id
        WHERE coalesce(preference.page, 'ended') = 'ended'
            OR preference.page = 'failed' AND ended.kind IN ('request.failed', 'batch.failed')
        ON CONFLICT (user_id, batch) WHERE batch IS NOT NULL DO UPDATE  -- some were tried again
            SET kind = excluded.kind, text = excluded.text, made_of = excluded.made_of,
                created_at = now(), read_at = NULL
        RETURNING id, user_id
    ), told_by_owner AS (
        SELECT user_id, array_agg(id) AS ids FROM told GROUP BY user_id
    )
    SELECT owner.id, owner.email, told.ids, preference.mail, webhook.id, webhook.events
    FROM users_user AS owner
    LEFT JOIN told_by_owner AS told ON told.user_id = owner.id
    LEFT JOIN notifications_notificationpreference AS preference
        ON preference.user_id = owner.id AND preference.mail <> 'never'
    LEFT JOIN notifications_webhook AS webhook
        ON webhook.owner_id = owner.id AND webhook.is_enabled
    WHERE owner.id = ANY(%s) AND owner.is_active
        AND (told.ids IS NOT NULL OR preference.mail IS NOT NULL OR webhook.id IS NOT NULL)"""
# The last requests of a batch may end at the same time, and neither would see the end of the other.
_LOCK_BATCHES = """
    SELECT pg_advisory_xact_lock(hashtextextended(batch::text, 0))
    FROM unnest(%s::uuid[]) AS batch"""
# Of one that goes on, PostgreSQL looks at the index of its rows until it meets an open one.
_BATCHES_ENDED = """
    WITH ended AS MATERIALIZED (
        SELECT batch FROM unnest(%s::uuid[]) AS given (batch) WHERE NOT EXISTS (
            SELECT FROM processing_processingrequest AS open
            WHERE open.batch = given.batch AND open.finished_at IS NULL)
    )
    SELECT whole.asker_id, ended.batch, kind, completed, failed, cancelled
    FROM ended CROSS JOIN LATERAL (
        SELECT coalesce(created_by_id, owner_id) AS asker_id, min(kind) AS kind,
            count(*) FILTER (WHERE status = 'completed') AS completed,
            count(*) FILTER (WHERE status = 'failed') AS failed,
            count(*) FILTER (WHERE status = 'cancelled') AS cancelled
        FROM processing_processingrequest
        WHERE batch = ended.batch AND parent_id IS NULL GROUP BY asker_id
    ) AS whole
    WHERE completed + failed > 0"""


@on_requests_ended
def tell_owners(requests: Sequence[ProcessingRequest]) -> None:
    """Notify owners, and queue what else they asked for. For one who wants no more: one query."""
    by_owner: dict[Any, list[ProcessingRequest]] = defaultdict(list)
    askers = {(r.created_by_id, r.owner_id): r for r in requests if r.created_by_id}
    left = {pair for pair, r in askers.items() if not can(r.created_by_id, Action.VIEW, r)}
    for request in requests:
        if (request.created_by_id, request.owner_id) in left:
            continue  # they may not see it any more
        if request.parent_id is None:  # whoever asked for a pipeline hears of the whole
            by_owner[request.asker_id].append(request)
    if not by_owner:
        return
    events, mails = [], {}
    told = [request for ended in by_owner.values() for request in ended]
    batches = {request.batch for request in told if request.batch}
    notes = [
        _note(r.asker_id, ended_event(r), r.kind, ended_sentence(r), request_id=r.id)
        for r in told
        if r.batch is None and r.status != Status.CANCELLED  # which they did themselves
    ]
    for owner, email, _, mail, webhook, chosen in _tell(by_owner, notes, batches):
        ended = by_owner[owner]
        if webhook:
            wanted = set(json.loads(chosen))
            events += [(webhook, request) for request in ended if ended_event(request) in wanted]
        mails[email] = [str(r.id) for r in ended if r.status in MAILED.get(mail or "", ())]
    if events:
        deliveries_queue(events)
    ended_mails_queue(mails)


@receiver(post_delete, sender=ProcessingRequest)
def tell_owner_of_the_rest(instance: ProcessingRequest, origin: Any, **_: Any) -> None:
    """Tell of a batch whose last open request is deleted: none of it is left to end."""
    # Whoever deletes an account is told of nothing.
    of_requests = getattr(origin, "model", type(origin)) is ProcessingRequest
    if not (instance.batch and of_requests) or instance.is_final:
        return
    if can(instance.asker_id, Action.VIEW, instance):
        _tell([instance.asker_id], [], {instance.batch})


def _tell(owners: Iterable[Any], notes: list[dict[str, Any]], batches: set[UUID]) -> list[Any]:
    """Write notifications and announce them; return what was written and what else is wanted.

    Args:
        notes: what is told of requests (`_note`).
        batches: which are told of as well, if they are over.
    """
    with prepared_cursor() as cursor:
        if batches:
            cursor.execute(_LOCK_BATCHES, [sorted(batches)])
            cursor.execute(_BATCHES_ENDED, [sorted(batches)])
            notes = [*notes, *(_batch_note(*row) for row in cursor.fetchall())]
        # As JSON: psycopg takes longer for seven arrays than PostgreSQL for the statement.
        cursor.execute(_TELL, [json.dumps(notes, default=str), list(owners)])
        found = cursor.fetchall()
    for owner, ids in {row[0]: row[2] for row in found if row[2]}.items():
        publish_on_commit(user_ids=[owner], topic=TOPIC, ids=ids)
    return found


def _batch_note(owner: Any, batch: UUID, kind: str, *counts: int) -> dict[str, Any]:
    by_status = dict(zip(("completed", "failed", "cancelled"), counts, strict=True))
    event = Kind.BATCH_FAILED if by_status["failed"] else Kind.BATCH_COMPLETED
    return _note(owner, event.value, kind, batch_sentence(kind, by_status), batch=batch)


def _note(
    owner: Any, event: str, request_kind: str, text: Message, **about: UUID
) -> dict[str, Any]:
    """Return the columns of a notification."""
    return {
        "owner_id": owner,
        "kind": event,
        "request_kind": request_kind,
        "text": str(text),
        "made_of": text.to_json(),
        **about,
    }
