"""The one thing a start script has to run before the product can be served."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connection, transaction

from backend_django.site_config.models import SetupFlag
from backend_django.users.services import superuser_ensure
from backend_django.utils.features import PACKAGE

LOCK_KEY = 7_403_117_022_581  # any number, the same in every process that sets up this database
LOCK_WAIT_SECONDS = 300
MIGRATE_TRIES = 20


@contextmanager
def setup_lock() -> Iterator[None]:
    """Let one process at a time set up the database, whatever happens to the others.

    The lock is asked for again and again instead of waited for: a session that waits inside
    PostgreSQL holds a snapshot, and a migration's CREATE INDEX CONCURRENTLY deadlocks with it.
    It lives in a connection of its own, so it ends with this process, and not with a transaction.
    """
    own = connection.copy()
    try:
        with own.cursor() as cursor:
            deadline = time.monotonic() + LOCK_WAIT_SECONDS
            while True:
                cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK_KEY])
                row = cursor.fetchone()
                if row and row[0]:
                    break
                if time.monotonic() > deadline:
                    raise CommandError(
                        f"Another process has been setting up for {LOCK_WAIT_SECONDS} s. Look at "
                        "its log; when it is gone, start this one again."
                    )
                time.sleep(0.1)
            yield
    finally:
        own.close()


class Command(BaseCommand):
    help = "Migrate, load the fixtures once, make the superuser. May run any number of times."

    def handle(self, *args: Any, **options: Any) -> None:
        with setup_lock():
            self.migrate()
            self.load_fixtures()
            if superuser_ensure(
                email=settings.SUPERUSER_EMAIL, password=settings.SUPERUSER_PASSWORD
            ):
                self.stdout.write(f"created the superuser {settings.SUPERUSER_EMAIL}")

    def migrate(self) -> None:
        """Migrate without making the running replicas wait: give up a lock soon, try again."""
        for attempt in range(1, MIGRATE_TRIES + 1):
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '300ms'")
                cursor.execute("SET statement_timeout = 0")
            try:
                call_command("migrate", interactive=False, verbosity=0)
                call_command("createcachetable", verbosity=0)
                break
            except OperationalError as error:
                if "lock timeout" not in str(error) or attempt == MIGRATE_TRIES:
                    raise
                self.stdout.write(f"a table is in use, trying again ({attempt})")
                time.sleep(min(5.0, 0.2 * attempt))
        connection.close()  # the next one has the usual time-outs

    def load_fixtures(self) -> None:
        """Load each file of fixtures/, and of a feature's own, once; dev_* only where settings
        say so."""
        for path in [
            *sorted(Path(settings.FIXTURES_DIR).glob("*.json")),
            *sorted(PACKAGE.glob("*/fixtures/*.json")),
        ]:
            if path.name.startswith("dev_") and not settings.LOAD_DEV_FIXTURES:
                continue
            with transaction.atomic(), SetupFlag.once(f"fixture-{path.stem}") as first:
                if first:
                    call_command("loaddata", str(path), verbosity=0)
                    self.stdout.write(f"loaded {path.name}")
