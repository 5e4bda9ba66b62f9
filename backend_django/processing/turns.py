"""Fair queuing: the turn of a request, by which a queue is ordered within a priority."""

from typing import Any

from django.db import connection, transaction
from django.db.models import BigIntegerField
from django.db.models.expressions import RawSQL

# The turn of what is not due yet, or whose kind is paused: it holds no place in its owner's row,
# and goes when nothing else waits until `turns_renew` has given it one.
LATER = 2**62
RENEW_LIMIT = 10_000  # in one round of the reaper, so that a round stays short

_TURN = """
    WITH lane AS NOT MATERIALIZED (
        SELECT owner_id, status, turn FROM processing_processingrequest
        WHERE queue = {queue} AND priority = {priority} AND status IN ('pending', 'processing')
        AND turn < {later}
    ),
    running AS (SELECT max(turn) AS turn FROM lane WHERE status = 'processing'),
    waiting AS (SELECT min(turn) AS turn FROM lane WHERE status = 'pending'),
    own AS (SELECT max(turn) AS turn FROM lane WHERE owner_id = {owner})
    SELECT greatest(
        own.turn + 1, running.turn, waiting.turn - (running.turn IS NOT NULL)::int, 0
    ) AS turn FROM running, waiting, own"""
_NEXT_TURN = _TURN.format(queue="%s", priority="%s", owner="%s", later=LATER)
_LEAVE = """
    WITH paused AS (
        SELECT id FROM processing_processingrequest
        WHERE status = 'pending' AND turn < {later}
        AND kind IN (SELECT kind FROM processing_pausedkind)
        LIMIT {limit} FOR UPDATE SKIP LOCKED
    )
    UPDATE processing_processingrequest AS request SET turn = {later}
    FROM paused WHERE request.id = paused.id"""
_JOIN = """
    WITH due AS (
        SELECT id, queue, priority, owner_id, created_at, coalesce(run_at, created_at) AS since
        FROM processing_processingrequest
        WHERE status = 'pending' AND turn >= {later}
        AND (run_at IS NULL OR run_at <= statement_timestamp())
        AND kind NOT IN (SELECT kind FROM processing_pausedkind)
        ORDER BY since, created_at, id LIMIT {limit} FOR UPDATE SKIP LOCKED
    ),
    first AS (
        SELECT place.*, next.turn
        FROM (SELECT DISTINCT queue, priority, owner_id FROM due) AS place,
        LATERAL ({turn}) AS next
    ),
    placed AS (
        SELECT id, turn - 1 + row_number() OVER (
            PARTITION BY queue, priority, owner_id ORDER BY since, created_at, id
        ) AS turn
        FROM due JOIN first USING (queue, priority, owner_id)
    )
    UPDATE processing_processingrequest AS request SET turn = placed.turn
    FROM placed WHERE request.id = placed.id"""
_PLACES = {"queue": "place.queue", "priority": "place.priority", "owner": "place.owner_id"}
_RENEW = [
    _LEAVE.format(later=LATER, limit=RENEW_LIMIT),
    _JOIN.format(turn=_TURN.format(later=LATER, **_PLACES), later=LATER, limit=RENEW_LIMIT),
]


def next_turn(*, owner_id: Any, queue: str, priority: int) -> RawSQL:
    """Return the turn of a request that joins a queue, as an expression for its column.

    Start-time fair queuing (Goyal, Vin and Cheng, 1996): a request's turn is one after its owner's
    last one in the queue, but not before the turn that is being served. So whoever comes next
    starts right after what runs now, however many requests of others wait, and each owner has one
    of every round.
    """
    values = [queue, priority, owner_id]
    return RawSQL(_NEXT_TURN, values, BigIntegerField())  # noqa: S611 # nosec B611


def read_next_turn(*, owner_id: Any, queue: str, priority: int) -> int:
    """Return that turn as it is now, for the first of many requests that join together."""
    with connection.cursor() as cursor:
        cursor.execute(_NEXT_TURN, [queue, priority, owner_id])
        return cursor.fetchone()[0]


def turns_renew() -> None:
    """Have what has become due, or whose kind was resumed, join its queue as if it were new.

    And have what waits of a paused kind leave it. With the turns of when they were made, many of
    one owner would go before all others' once they may, and until then hold back their owner's.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in _RENEW:
            cursor.execute(statement)
