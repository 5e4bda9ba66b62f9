"""Django's PostgreSQL backend, with an end to every wait, and a second try for lost connections."""

import re
import select
import time
from collections import defaultdict
from contextlib import nullcontext, suppress
from datetime import UTC, datetime
from functools import cache, lru_cache
from math import inf
from types import SimpleNamespace
from typing import Any

import psycopg
from django.conf import settings
from django.db.backends.postgresql import base
from django.db.backends.postgresql.psycopg_any import BaseTzLoader, get_adapters_template
from django.db.backends.utils import CursorWrapper
from django.db.utils import DatabaseError, InterfaceError, OperationalError
from psycopg.adapt import AdaptersMap, Buffer
from psycopg.pq import TransactionStatus

from ..breaker import Breaker
from ..database_wait import current_limit, database_budget, in_web_request

CONNECT_SECONDS = 2  # the least that libpq takes; of each address
HEALTH_CHECK_SECONDS = 1.0
# A connection whose server has responded this recently, and not closed it, needs no health check.
RECENT_SECONDS = 1.0
# In a web request PostgreSQL ends a statement itself, a second before the budget is used up. So who
# waits longer waits for a server that hangs.
SERVER_MARGIN_SECONDS = 1.0
HANGS_MARGIN_SECONDS = 0.5

# What may be asked again: it changes nothing and holds nothing.
READ = re.compile(
    r"\s*SELECT\b(?!.*\b(?:FOR (?:UPDATE|NO KEY|SHARE|KEY)\b|pg_|nextval|set_config))", re.DOTALL
)
SHUTDOWN = (psycopg.errors.AdminShutdown, psycopg.errors.CrashShutdown)

_breakers: defaultdict[str, Breaker] = defaultdict(Breaker)  # by alias; of this process


@lru_cache(200)
def _is_read(sql: str) -> bool:
    return READ.match(sql) is not None


class NoAnswer(psycopg.OperationalError):
    """The database did not answer in time, or a moment ago."""


class _TimestampLoader(BaseTzLoader):
    """Django's loader, in a tenth of its time: Django's keeps psycopg from its own of C."""

    timezone = UTC

    def load(self, data: Buffer) -> datetime:
        text = str(data, "ascii")
        try:
            if text.endswith("+00"):
                return datetime.fromisoformat(text)
        except ValueError:  # before the year 1, after 9999, infinity: psycopg's errors
            pass
        loaded: datetime = super().load(data)
        return loaded


@cache
def _adapters() -> AdaptersMap:
    """Return Django's adapters between Python and PostgreSQL, but for points in time."""
    adapters = AdaptersMap(get_adapters_template(True, UTC))
    adapters.register_loader("timestamptz", _TimestampLoader)
    return adapters


class Connection(psycopg.Connection[Any]):
    """A connection that gives up on a server that does not answer, where a limit is in force."""

    breaker = Breaker()
    answered_at = -inf

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        limit = current_limit()
        if timeout is not None or limit is None:
            return super().wait(gen, interval, timeout)
        seconds, began = limit.database_left(), time.monotonic()
        if seconds <= 0 or not self.breaker.allows():
            self.close()
            raise NoAnswer("the database is not asked: it did not answer a moment ago")
        try:
            with limit.spend():
                result = super().wait(gen, interval, seconds)
        except psycopg.errors._WaitTimeout as error:
            self.close()  # nobody reads what still comes
            waited = time.monotonic() - began
            self.breaker.record_timeout(
                hangs=waited > settings.DATABASE_REQUEST_SECONDS - HANGS_MARGIN_SECONDS
            )
            raise NoAnswer(f"the database did not answer within {seconds:.1f} s") from error
        except BaseException:
            self.breaker.record_answer()
            raise
        self.breaker.record_answer()
        self.answered_at = time.monotonic()
        return result

    def has_just_answered(self) -> bool:
        """Return whether the server just responded and has sent nothing since: when it shuts down
        or dies, there is a message or the end of the connection to read.
        """
        if time.monotonic() - self.answered_at > RECENT_SECONDS:
            return False
        unread = select.poll()
        unread.register(self.fileno(), select.POLLIN)
        return not unread.poll(0)


def _is_outdated(error: BaseException) -> bool:
    """Return whether a migration changed what a prepared statement returns.

    PostgreSQL refuses it from then on, so the connection that has prepared it is of no more use.
    """
    cause = error.__cause__
    if not isinstance(cause, psycopg.errors.FeatureNotSupported):
        return False
    return cause.diag.source_function == "RevalidateCachedQuery"


class _SecondTry(CursorWrapper):
    """Runs a statement once more when its connection is lost and nothing was written on it.

    Each statement sees what is committed when it begins (READ COMMITTED), so a transaction that has
    only read goes on with another connection as if it were the same.
    """

    db: "DatabaseWrapper"

    def _execute(self, sql: Any, params: Any, *ignored: Any) -> Any:
        db = self.db
        first = db.connection.info.transaction_status == TransactionStatus.IDLE
        reads = isinstance(sql, str) and _is_read(sql)
        only_read_before = first or db.has_only_read
        db.has_only_read = only_read_before and reads
        try:
            return super()._execute(sql, params, *ignored)  # type: ignore[misc]
        except (DatabaseError, InterfaceError) as error:
            outdated = _is_outdated(error)
            if outdated:
                db.connection.close()
            # Alone in its transaction even a write is undone when the connection is lost.
            safe = reads or (first and not db.get_autocommit())
            cut_short = isinstance(self.cursor, psycopg.ServerCursor)  # it has given rows already
            if cut_short or not (only_read_before and safe and db.lost_by(error)):
                if outdated:  # for whoever tries again when a connection is lost
                    raise OperationalError(str(error)) from error
                raise
        db.replace_connection()
        self.cursor = db.create_cursor()
        return super()._execute(sql, params, *ignored)  # type: ignore[misc]

    def __getattr__(self, name: str) -> Any:
        if name == "copy":  # psycopg's own, which writes unseen
            self.db.has_only_read = False
        return super().__getattr__(name)

    def callproc(self, *args: Any, **options: Any) -> Any:
        self.db.has_only_read = False
        return super().callproc(*args, **options)

    def _executemany(self, *args: Any) -> Any:
        self.db.has_only_read = False
        return super()._executemany(*args)  # type: ignore[misc]


class _DebugSecondTry(base.CursorDebugWrapper, _SecondTry):
    pass


class DatabaseWrapper(base.DatabaseWrapper):
    Database = SimpleNamespace(  # type: ignore[assignment]
        # looked up at each call: what records traces replaces it
        **{**vars(psycopg), "connect": lambda **params: Connection.connect(**params)}
    )
    has_only_read = True  # in the present transaction

    def get_connection_params(self) -> dict[str, Any]:
        params = super().get_connection_params()
        if self.timezone is UTC:  # of others, the hour that comes twice is Django's matter
            params["context"] = _adapters()
        if in_web_request():
            milliseconds = int((settings.DATABASE_REQUEST_SECONDS - SERVER_MARGIN_SECONDS) * 1000)
            params["connect_timeout"] = CONNECT_SECONDS
            params["options"] = (
                f"{params.get('options', '')} -c statement_timeout={milliseconds}"
                f" -c lock_timeout={milliseconds}"
            )
        return params

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        breaker, limit, began = _breakers[self.alias], current_limit(), time.monotonic()
        if limit is None:
            connection = super().get_new_connection(conn_params)
        elif limit.database_left() <= 0 or not breaker.allows():
            raise NoAnswer("the database is not asked: it did not answer a moment ago")
        else:
            try:
                with limit.spend():
                    connection = super().get_new_connection(conn_params)
            except psycopg.Error:
                if time.monotonic() - began < CONNECT_SECONDS - 0.1:
                    breaker.record_answer()  # it refused
                else:
                    breaker.record_timeout()
                raise
            breaker.record_answer()
        connection.breaker = breaker
        return connection

    def is_usable(self) -> bool:
        if not self.errors_occurred and self.connection.has_just_answered():
            return True
        limit = current_limit()
        with database_budget(HEALTH_CHECK_SECONDS), limit.spend() if limit else nullcontext():
            return super().is_usable()

    def prepared_cursor(self) -> CursorWrapper:
        """Return a cursor whose statements are prepared once they have run a few times."""
        self.close_if_health_check_failed()
        self.ensure_connection()
        with self.wrap_database_errors:
            cursor: Any = base.ServerBindingCursor(self.connection)  # type: ignore[call-arg]
            return self._prepare_cursor(cursor)  # type: ignore[attr-defined]

    def make_cursor(self, cursor: Any) -> CursorWrapper:
        return _SecondTry(cursor, self)

    def make_debug_cursor(self, cursor: Any) -> base.CursorDebugWrapper:
        return _DebugSecondTry(cursor, self)

    def lost_by(self, error: BaseException) -> bool:
        """Return whether the connection is gone, and not because it took too long."""
        cause = error.__cause__
        if current_limit() is None or isinstance(cause, NoAnswer) or self.connection is None:
            return False
        return bool(self.connection.closed) or isinstance(cause, SHUTDOWN)

    def replace_connection(self) -> None:
        """Take a new connection for the lost one, also inside of a transaction."""
        with self.wrap_database_errors:
            with suppress(psycopg.Error):
                self.connection.close()
            self.connection = self.get_new_connection(self.get_connection_params())
            self._set_autocommit(self.autocommit)  # type: ignore[attr-defined]
            self.init_connection_state()
        self.errors_occurred = False

    def _commit(self) -> None:
        try:
            super()._commit()  # type: ignore[misc]
        except (DatabaseError, InterfaceError) as error:
            if not (self.has_only_read and self.lost_by(error)):
                raise
            self.replace_connection()  # there was nothing to commit
