"""Writing the audit trail."""

import logging
from contextvars import ContextVar
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.cache import caches
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from backend_django.utils.client import client_address, client_ip
from backend_django.utils.trace_id import trace_id

from .models import AuditEvent

logger = logging.getLogger(__name__)
Outcome = AuditEvent.Outcome
BLOCKED_SECONDS = 60
PURGE_BATCH = 10_000
REFUSALS = "audit_refusals"  # where a request keeps them until its response
# Set by the middleware; none in a worker or a command.
current_request: ContextVar[HttpRequest | None] = ContextVar("current_request", default=None)


def event_record(
    *,
    event: str,
    outcome: str = Outcome.SUCCESS,
    actor: Any = None,
    email: str = "",
    target: str = "",
    detail: str = "",
    once_a_minute: bool = False,
) -> None:
    """Record what somebody did, as a row and as a line of the log. Never fails the caller.

    Args:
        actor: the user who did it; by default the one who is signed in.
        email: what was typed in, when there is no user.
        target: what it was done to. Never a secret: rows and lines are read by others.
        once_a_minute: leave out what was recorded of this actor and address a moment ago, as is
            done with `Outcome.BLOCKED` always: whoever is refused may go on trying.
    """
    try:
        values = {
            "event": event,
            "outcome": str(outcome),
            "target": target,
            "detail": detail,
            **_who(actor, email),
            **_where(),
        }
        if (once_a_minute or outcome == Outcome.BLOCKED) and _was_recorded(values):
            return
        kept = {name: _fit(name, value) for name, value in values.items()}
        with transaction.atomic():
            AuditEvent.objects.create(**kept)
    except Exception:
        logger.exception("the event %r could not be recorded", event)
    else:
        told = {name: value for name, value in kept.items() if value and name != "trace_id"}
        said = " ".join(f"{name}={value!r}" for name, value in told.items() if name != "user_agent")
        logger.info("audit: %s", said, extra={"audit": told})


def _fit(name: str, value: Any) -> Any:
    """Return a text as the column can hold it."""
    if not isinstance(value, str):
        return value
    field: Any = AuditEvent._meta.get_field(name)
    return value.replace("\x00", "")[: field.max_length]


def _who(actor: Any, email: str) -> dict[str, Any]:
    request = current_request.get()
    actor = actor or getattr(request, "user", None)
    if actor is None or not actor.is_authenticated:
        return {"email": email}
    return {"actor_id": actor.pk, "email": email or actor.email}


def _where() -> dict[str, str]:
    request = current_request.get()
    if request is None:
        return {"ip_address": "", "user_agent": "", "trace_id": trace_id.get()}
    return {
        "ip_address": client_ip(request),
        "user_agent": request.headers.get("User-Agent", ""),
        "trace_id": trace_id.get(),
    }


def refusal_record(
    *, request: HttpRequest, event: str, actor: Any = None, target: str = "", detail: str = ""
) -> None:
    """Record after the response, once a minute, that a call was refused.

    Not at once: a refusal undoes the transaction of the request.
    """
    refusal = {"event": event, "actor": actor, "target": target, "detail": detail}
    vars(request).setdefault(REFUSALS, []).append(refusal)


def refusals_write(request: HttpRequest) -> None:
    """Write what `refusal_record` was told in a request. Called by the middleware."""
    for refusal in vars(request).pop(REFUSALS, []):
        event_record(outcome=Outcome.FAILURE, once_a_minute=True, **refusal)


def _was_recorded(values: dict[str, Any]) -> bool:
    """Return whether such an event was recorded within the last minute."""
    request = current_request.get()
    address = client_address(request) if request else ""  # of IPv6 the network: it has others
    key = f"audit:{values['event']}:{address}:{values.get('email', '')}"
    return not caches["redis"].add(key[:200], 1, BLOCKED_SECONDS)


def events_purge() -> int:
    """Remove events that are past their retention; return how many."""
    if not settings.AUDIT_RETENTION_DAYS:
        return 0
    old = timezone.now() - timedelta(days=settings.AUDIT_RETENTION_DAYS)
    old_ids = AuditEvent.objects.filter(created_at__lt=old).values_list("id", flat=True)
    removed = 0
    while ids := list(old_ids[:PURGE_BATCH]):
        removed += AuditEvent.objects.filter(id__in=ids).delete()[0]
    return removed
