import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from backend_django.processing.backups import BackupError, read_backup


class Command(BaseCommand):
    help = "Make an empty instance what another was when `backup` wrote the archive."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="the archive; - is standard input")
        parser.add_argument(
            "--replace", action="store_true", help="remove all that the database holds first"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["file"] == "-":
                report = read_backup(sys.stdin.buffer, replace=options["replace"])
            else:
                with Path(options["file"]).open("rb") as file:
                    report = read_backup(file, replace=options["replace"])
        except (BackupError, OSError) as error:
            raise CommandError(str(error)) from error
        self.stderr.write(f"restored: {report}")
