import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from backend_django.operations.backups import BackupError, Report, write_backup


class Command(BaseCommand):
    help = "Write the database and all files into one archive."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H%M%SZ")
        parser.add_argument(
            "file",
            nargs="?",
            default=f"backups/{now}.tar",
            help="where to; - is standard output (default: %(default)s)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["file"] == "-":
                report = write_backup(sys.stdout.buffer)
                sys.stdout.buffer.flush()
            else:
                report = self.write(Path(options["file"]))
        except (BackupError, OSError) as error:
            raise CommandError(str(error)) from error
        for name in report.missing:
            self.stderr.write(f"missing in the storage: {name}")
        self.stderr.write(str(report))

    def write(self, path: Path) -> Report:
        """Write under another name until it is whole: it holds everything, so for nobody else."""
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            raise CommandError(f"{path} exists. Give another name, or remove it first.")
        part = path.with_name(f"{path.name}.part")
        try:
            with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                report = write_backup(file)
                file.flush()
                os.fsync(file.fileno())
            part.rename(path)
        finally:
            part.unlink(missing_ok=True)
        self.stderr.write(f"wrote {path}, {path.stat().st_size:,} bytes")
        return report
