"""Statements that PostgreSQL plans once for a connection, and not at each call."""

from typing import Any

from django.db import connection


def prepared_cursor() -> Any:
    """Return a cursor for a statement that is written once and runs again and again.

    To plan one of the engine's costs PostgreSQL as much as to run it. Not for what Django composes:
    each other text would be a plan to keep, and a plan for all values fits few of its filters.
    """
    # Of another backend, such as PostGIS's, an ordinary cursor.
    return getattr(connection, "prepared_cursor", connection.cursor)()


def fetch_row(statement: str, values: Any) -> tuple[Any, ...] | None:
    """Return the first row that such a statement finds or writes, or None."""
    with prepared_cursor() as cursor:
        cursor.execute(statement, values)
        row: tuple[Any, ...] | None = cursor.fetchone()
        return row
