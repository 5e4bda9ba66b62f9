"""Statements that change requests and return them as they are then."""

from collections.abc import Callable
from functools import cache
from typing import Any, cast

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet
from django.db.models.sql import UpdateQuery

from backend_django.utils.prepared import prepared_cursor

from .models import ProcessingRequest


@cache
def _fields() -> tuple[list[str], list[tuple[int, Callable[..., Any]]]]:
    """Return the names of a request's columns, and by which of them something is converted."""
    fields = ProcessingRequest._meta.concrete_fields
    converters = [
        (place, convert)
        for place, field in enumerate(fields)
        for convert in field.get_db_converters(connection)
    ]
    return [field.attname for field in fields], converters


@cache
def columns() -> str:
    """Return the columns that `fetch_requests` wants, as SQL."""
    fields = ProcessingRequest._meta.concrete_fields
    return ", ".join(f'"{field.column}"' for field in fields)


def fetch_requests(
    statement: str, values: Any, *, cursor_of: Callable[[], Any] = prepared_cursor
) -> list[ProcessingRequest]:
    """Run a statement that returns `columns()`, as `raw()` does.

    That looks anew at each call for what the names of the columns mean, which costs the claim of a
    request as much as all else.
    """
    names, converters = _fields()
    with cursor_of() as cursor:
        cursor.execute(statement, values)
        rows = [list(row) for row in cursor.fetchall()]
    for row in rows:
        for place, convert in converters:
            row[place] = convert(row[place], None, connection)
    return [ProcessingRequest.from_db(connection.alias, names, row) for row in rows]


def update_returning(rows: QuerySet[ProcessingRequest], **fields: Any) -> list[ProcessingRequest]:
    """Update rows, and return them as they are now, in one statement."""
    update = cast(UpdateQuery, rows.query.chain(UpdateQuery))
    update.add_update_values(fields)
    try:
        statement, values = update.get_compiler(connection=connection).as_sql()
    except EmptyResultSet:  # nothing can match, such as `id__in=[]`
        return []
    returning = f"{statement} RETURNING {columns()}"
    return fetch_requests(returning, values, cursor_of=connection.cursor)
