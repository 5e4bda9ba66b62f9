"""Django's sessions in the database, which end after a time without use (docs/security.md)."""

from datetime import datetime, timedelta
from functools import cache
from typing import Any

from django.conf import settings
from django.contrib.sessions.backends import db
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.models import Session
from django.db import OperationalError, connection
from django.utils import timezone

from backend_django.utils.prepared import fetch_row


@cache
def _session_query() -> tuple[str, tuple[Any, ...], list[str]]:
    """Return the query for a session, its parameters by name, and its columns.

    Written once, as for tokens (authentication.py): composing it costs more than running it.
    """
    rows = Session.objects.filter(session_key="key", expire_date__gt=timezone.now())
    columns = [field.attname for field in Session._meta.concrete_fields]
    statement, parameters = rows.query.sql_with_params()
    return statement, parameters, columns


class SessionStore(db.SessionStore):
    """A session whose row expires when it is idle, and whose cookie lasts as long as it may.

    So what checks the row (Django, event streams, the list of devices) needs no second look.
    """

    @property
    def idle_until(self) -> datetime:
        """The expiry of an unused session: never later than its absolute end."""
        end: datetime = self.get_expiry_date()
        if not settings.SESSION_IDLE_SECONDS:
            return end
        return min(end, timezone.now() + timedelta(seconds=settings.SESSION_IDLE_SECONDS))

    def _get_session_from_db(self) -> Any:
        statement, parameters, columns = _session_query()
        values = [self.session_key if each == "key" else timezone.now() for each in parameters]
        row = fetch_row(statement, values)
        if row is None:
            self._session_key = None
            return None
        return Session.from_db(connection.alias, columns, row)

    def create_model_instance(self, data: dict[str, Any]) -> Any:
        row = super().create_model_instance(data)
        row.expire_date = self.idle_until
        return row

    def save(self, must_create: bool = False) -> None:
        """Write the session.

        Raises:
            UpdateError: it was ended meanwhile. Django says so of a lost connection as well, and
                answers 400 for it.
            django.db.OperationalError: the database is away.
        """
        try:
            super().save(must_create)
        except UpdateError as error:
            if isinstance(error.__context__, OperationalError):
                raise error.__context__ from None
            raise
