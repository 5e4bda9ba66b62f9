import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from backend_django.operations.backups import BackupError, read_backup


class Command(BaseCommand):
    help = "Make an empty instance what another was when `backup` wrote the archive."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="the archive; - is standard input")
        parser.add_argument(
            "--replace", action="store_true", help="remove all that the database holds first"
        )
        parser.add_argument(
            "--trust", action="store_true", help="restore as a superuser: a dump can do all it may"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        wanted = {name: options[name] for name in ("replace", "trust")}
        try:
            if options["file"] == "-":
                report = read_backup(sys.stdin.buffer, **wanted)
            else:
                with Path(options["file"]).open("rb") as file:
                    report = read_backup(file, **wanted)
        except (BackupError, OSError) as error:
            raise CommandError(str(error)) from error
        self.stderr.write(f"restored: {report}")
