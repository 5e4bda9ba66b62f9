"""The credential that a long response was opened with, and whether it is still valid."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.contrib.sessions.models import Session
from django.db import connection
from django.http import HttpRequest

from backend_django.utils.prepared import prepared_cursor

from .models import ApiToken, User


@dataclass(frozen=True, slots=True)
class Credential:
    """A session or a token, and a digest of its user's password when it was used."""

    user_id: Any
    stamp: str
    session_key: str = ""
    token_id: Any = None


def credential_of(*, user: User, token: Any, request: HttpRequest) -> Credential:
    """Return what a call was let in by.

    Args:
        token: the token, or None for a session.
    """
    state = f"{user.password}:{user.sessions_ended}"
    stamp = hashlib.md5(state.encode(), usedforsecurity=False).hexdigest()
    if token is not None:
        return Credential(user.pk, stamp, token_id=token.pk)
    return Credential(user.pk, stamp, session_key=request.session.session_key or "")


@cache
def _statement() -> str:
    user, token = (model._meta.pk.db_type(connection) for model in (User, ApiToken))
    return f"""
        SELECT given.place
        FROM unnest(%s::{user}[], %s::text[], %s::text[], %s::{token}[])
            WITH ORDINALITY AS given (user_id, stamp, session_key, token_id, place)
        LEFT JOIN {User._meta.db_table} AS holder ON holder.id = given.user_id
            AND holder.is_active
            AND md5(holder.password || ':' || holder.sessions_ended) = given.stamp
        LEFT JOIN {Session._meta.db_table} AS session
            ON session.session_key = given.session_key AND session.expire_date > now()
        LEFT JOIN {ApiToken._meta.db_table} AS token ON token.id = given.token_id
            AND (token.expires_at IS NULL OR token.expires_at > now())
        WHERE holder.id IS NULL OR (session.session_key IS NULL AND token.id IS NULL)
        """  # noqa: S608 # nosec B608 (names of our own tables and types)


def credentials_ended(credentials: Collection[Credential]) -> set[Credential]:
    """Return those that a call would not be let in by any more, or only after another look.

    One statement however many there are, because it is asked every second.
    """
    given = list(credentials)
    columns = zip(
        *((each.user_id, each.stamp, each.session_key, each.token_id) for each in given),
        strict=True,
    )
    with prepared_cursor() as cursor:
        cursor.execute(_statement(), [list(column) for column in columns])
        return {given[place - 1] for (place,) in cursor.fetchall()}
