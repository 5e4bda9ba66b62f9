"""Tell other parts of the product that requests have ended, in the transaction that ends them.

Every way to end is announced: completed, failed and cancelled, by a worker, by the reaper, or by
the user. What a receiver writes is committed with the end or not at all; what leaves the product
(a message, a call) belongs into `transaction.on_commit`.
"""

import logging
from collections.abc import Callable, Sequence

from django.db import IntegrityError, connection, transaction

from .changes import announce_changes
from .models import ProcessingRequest

logger = logging.getLogger(__name__)
Receiver = Callable[[Sequence[ProcessingRequest]], object]
_receivers: list[Receiver] = []


class _ReceiverError(Exception):
    """A receiver raised what is the cause of this."""


def on_requests_ended(receiver: Receiver) -> Receiver:
    """Decorator: have a function called with all requests that end.

    They are as their rows are now, and a completed one has its `result`. There may be hundreds at
    once, so a receiver asks the database once for all of them, not once for each. It cannot keep
    a request from ending: what it raises is logged, and what it wrote is undone.
    """
    _receivers.append(receiver)
    return receiver


def end_requests(
    write: Callable[[], Sequence[ProcessingRequest]], then: Callable[[], object] | None = None
) -> Sequence[ProcessingRequest]:
    """Run what brings requests to an end, in a transaction, and announce those that have ended.

    A savepoint for each receiver would cost every request two statements. So there are none at
    first; when a receiver fails, or PostgreSQL refuses at the commit what one has written (a
    reference to a row that was deleted meanwhile), all of it is undone and done again with them.

    Args:
        write: changes rows and returns them as they are now; it may run twice.
        then: called when they are announced, if there are any; it may run twice, too.

    Returns:
        What `write` returned.
    """
    try:
        return _end(write, _announce, then)
    except (_ReceiverError, IntegrityError):
        return _end(write, _announce_guarded, then)


def _end(
    write: Callable[[], Sequence[ProcessingRequest]],
    announce: Callable[[Sequence[ProcessingRequest]], None],
    then: Callable[[], object] | None,
) -> Sequence[ProcessingRequest]:
    within = connection.in_atomic_block
    with transaction.atomic():
        written = write()
        announce_changes(written)
        if ended := [request for request in written if request.is_final]:
            announce(ended)
            if within:  # the commit comes later, and nobody there would do this again
                connection.check_constraints()
        if written and then:
            then()
    return written


def _announce(ended: Sequence[ProcessingRequest]) -> None:
    for receiver in _receivers:
        try:
            receiver(ended)
        except Exception as error:
            raise _ReceiverError from error


def _announce_guarded(ended: Sequence[ProcessingRequest]) -> None:
    """Announce requests one by one, so that a failure concerns one request and one receiver."""
    for request in ended:
        for receiver in _receivers:
            try:
                with transaction.atomic():
                    receiver([request])
                    connection.check_constraints()
            except Exception:
                if connection.needs_rollback:  # the connection is gone: nothing can be written
                    raise
                logger.exception("%s failed for request %s", receiver.__qualname__, request.id)
