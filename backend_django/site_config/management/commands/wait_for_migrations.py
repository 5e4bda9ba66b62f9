import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor


class Command(BaseCommand):
    help = "Wait until the database has every migration of this code; run none."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--seconds", type=float, default=600, help="how long (default 600)")

    def handle(self, *args: Any, **options: Any) -> None:
        deadline = time.monotonic() + options["seconds"]
        while missing := self.missing():
            if time.monotonic() > deadline:
                raise CommandError(
                    f"After {options['seconds']:.0f} s the database still lacks {missing}. They "
                    "are applied by `manage.py setup`, which a web container runs when it starts."
                )
            time.sleep(0.5)

    def missing(self) -> str:
        """Say what is not applied yet; empty when nothing is missing."""
        try:
            executor = MigrationExecutor(connection)  # reads what is applied
            plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
        except DatabaseError as error:  # it restarts, or a migration holds the table
            connection.close()
            return f"migrations that could not be read ({' '.join(str(error).split())})"
        if not plan:
            return ""
        return f"{len(plan)} migrations, the first {plan[0][0]}"
