"""The engine's statements are prepared, and a migration beside them is no end to a process."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from backend_django.processing import lifecycle
from backend_django.processing.services import request_create
from backend_django.users.models import User
from backend_django.utils.database_wait import database_budget
from backend_django.utils.prepared import prepared_cursor
from tests.wordcount.processor import WordCount

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def table(db: None) -> Iterator[str]:
    """A table of which statements know the columns, with one row."""
    connection.close()  # with what earlier tests have prepared
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE measured (value integer)")
        cursor.execute("INSERT INTO measured VALUES (1)")
    yield "measured"
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE measured")


def prepared() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement FROM pg_prepared_statements")
        return [statement for (statement,) in cursor.fetchall()]


def read(table: str) -> Any:
    with prepared_cursor() as cursor:
        cursor.execute(f"SELECT value FROM {table} WHERE value > %s", [0])
        return cursor.fetchone()[0]


def widen(table: str) -> None:
    """Change the type of the column, as a migration does in a process of its own."""
    other = connection.copy()
    with closing(other), other.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} ALTER value TYPE numeric")


def test_claims_and_ends_are_planned_once(user: User) -> None:
    for _ in range(8):
        made, _ = request_create(owner=user, processor=WordCount)
        claimed = lifecycle.claim()
        assert claimed
        assert claimed.id == made.id
        assert lifecycle.complete(claimed.id, claimed.attempt, data={}, files={})
    kept = prepared()
    assert sum("FOR UPDATE SKIP LOCKED" in statement for statement in kept) == 1
    assert sum("status = 'completed'" in statement for statement in kept) == 1


def test_user_of_a_session_is_planned_once(user: User) -> None:
    connection.close()
    for _ in range(8):
        assert User.objects.get(pk=user.pk) == user
    (statement,) = prepared()
    assert 'FROM "users_user"' in statement


def test_what_django_composes_is_not_kept(user: User) -> None:
    connection.close()
    for _ in range(8):
        assert User.objects.get(email=user.email) == user
    assert prepared() == []


def test_older_poolers_are_spared(table: str) -> None:
    options = connection.settings_dict["OPTIONS"]
    before, options["prepare_threshold"] = options["prepare_threshold"], None
    connection.close()
    try:
        assert [read(table) for _ in range(8)] == [1] * 8
        assert prepared() == []
    finally:
        options["prepare_threshold"] = before
        connection.close()


def test_a_read_goes_on_when_a_migration_changes_its_columns(table: str) -> None:
    assert [read(table) for _ in range(8)] == [1] * 8
    assert len(prepared()) == 1
    widen(table)
    with database_budget(5):
        assert read(table) == 1


def test_a_write_after_others_fails_as_with_a_lost_connection(table: str) -> None:
    def write() -> None:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(f"INSERT INTO {table} VALUES (2)")
            read(table)

    for _ in range(8):
        read(table)
    widen(table)
    with pytest.raises(OperationalError, match="cached plan"):
        write()
    write()  # as whoever lost a connection tries again
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")
        assert cursor.fetchone() == (2,)
