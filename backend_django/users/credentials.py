"""What a long response was opened with, and whether it still counts."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.contrib.sessions.models import Session
from django.http import HttpRequest
from django.utils import timezone

from .models import ApiToken, User


@dataclass(frozen=True)
class Credential:
    """A session or a token, and the state of its user's password when it was used."""

    user_id: Any
    stamp: str
    session_key: str = ""
    token_id: Any = None


def credential_of(*, user: User, token: Any, request: HttpRequest) -> Credential:
    """Return what a call was let in by.

    Args:
        token: the token, or None for a session.
    """
    stamp = _stamp(user.password, user.sessions_ended)
    if token is not None:
        return Credential(user.pk, stamp, token_id=token.pk)
    return Credential(user.pk, stamp, session_key=request.session.session_key or "")


def credentials_ended(credentials: Collection[Credential]) -> set[Credential]:
    """Return those that a call would not be let in by any more, or only after another look.

    Three queries however many there are: it is asked every second.
    """
    users = {
        pk: _stamp(password, ended)
        for pk, password, ended in User.objects.filter(
            pk__in={each.user_id for each in credentials}, is_active=True
        ).values_list("pk", "password", "sessions_ended")
    }
    keys = {each.session_key for each in credentials if each.session_key}
    alive = Session.objects.filter(session_key__in=keys, expire_date__gt=timezone.now())
    sessions = set(alive.values_list("session_key", flat=True)) if keys else set()
    ids = {each.token_id for each in credentials if each.token_id is not None}
    found = ApiToken.objects.filter(pk__in=ids).values_list("pk", flat=True)
    tokens = set(found) if ids else set()
    return {
        each
        for each in credentials
        if users.get(each.user_id) != each.stamp
        or (each.token_id is not None and each.token_id not in tokens)
        or (each.token_id is None and each.session_key not in sessions)
    }


def _stamp(password: str, sessions_ended: int) -> str:
    return f"{password}:{sessions_ended}"
