"""How long a statement is waited for, and who is let through while a server hangs."""

from collections.abc import Iterator

import pytest
from django.db import OperationalError, connection

from backend_django.utils import breaker, database_wait
from backend_django.utils.breaker import Breaker
from backend_django.utils.database_wait import database_budget, limit_process, statement_limit
from tests.stack import wait_for


@pytest.fixture
def database(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setattr(database_wait, "_process_limit", None)
        yield
    connection.close()


def sleep(seconds: float) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(%s)", [seconds])


def is_asleep() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM pg_stat_activity"
            " WHERE query LIKE '%%pg_sleep(60%%' AND state = 'active' AND pid <> pg_backend_pid()"
        )
        return cursor.fetchone() is not None


@pytest.mark.slow
def test_a_worker_limits_each_statement(database: None) -> None:
    limit_process(0.3)
    with pytest.raises(OperationalError, match="did not answer within"):
        sleep(60)
    connection.close()
    # Nobody waits for it: PostgreSQL ends it too.
    wait_for(lambda: not is_asleep(), what="PostgreSQL has ended the statement")
    with statement_limit(60):
        sleep(0.4)


def test_a_command_waits(database: None) -> None:
    sleep(0.4)


def test_statements_of_a_request_share_a_budget(database: None) -> None:
    connection.ensure_connection()
    with database_budget(0.5):
        sleep(0.4)
        with pytest.raises(OperationalError):
            sleep(0.4)
        connection.close()
        with pytest.raises(OperationalError, match="is not asked"):
            sleep(0)
    sleep(0)


def test_one_caller_asks_a_server_that_hung(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(breaker.time, "monotonic", lambda: now)
    server = Breaker(pause=2, probe=5)
    assert server.allows()
    server.record_timeout(hangs=False)
    assert server.allows(), "a slow answer is no reason"
    server.record_timeout()
    assert not server.allows()
    now += 2
    assert [server.allows() for _ in range(3)] == [True, False, False]
    now += 5
    assert server.allows(), "the one who asked was never heard of again"
    server.record_timeout(hangs=False)
    assert not server.allows(), "it hung, and was not heard since"
    now += 2
    assert server.allows()
    server.record_answer()
    assert [server.allows() for _ in range(3)] == [True, True, True]
