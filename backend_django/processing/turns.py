"""Fair queuing: the turn of a request, by which a queue is ordered within a priority."""

from typing import Any

from django.db import connection
from django.db.models import BigIntegerField
from django.db.models.expressions import RawSQL

_TURN = """
    WITH lane AS NOT MATERIALIZED (
        SELECT owner_id, status, turn FROM processing_processingrequest
        WHERE queue = %s AND priority = %s AND status IN ('pending', 'processing')
    ),
    running AS (SELECT max(turn) AS turn FROM lane WHERE status = 'processing'),
    waiting AS (SELECT min(turn) AS turn FROM lane WHERE status = 'pending'),
    own AS (SELECT max(turn) AS turn FROM lane WHERE owner_id = %s)
    SELECT greatest(
        own.turn + 1, running.turn, waiting.turn - (running.turn IS NOT NULL)::int, 0
    ) FROM running, waiting, own"""


def next_turn(*, owner_id: Any, queue: str, priority: int) -> RawSQL:
    """Return the turn of a request that joins a queue, as an expression for its column.

    Start-time fair queuing (Goyal, Vin and Cheng, 1996): a request's turn is one after its owner's
    last one in the queue, but not before the turn that is being served. So whoever comes next
    starts right after what runs now, however many requests of others wait, and each owner has one
    of every round.
    """
    return RawSQL(_TURN, [queue, priority, owner_id], BigIntegerField())  # noqa: S611 # nosec B611


def read_next_turn(*, owner_id: Any, queue: str, priority: int) -> int:
    """Return that turn as it is now, for the first of many requests that join together."""
    with connection.cursor() as cursor:
        cursor.execute(_TURN, [queue, priority, owner_id])
        return cursor.fetchone()[0]
