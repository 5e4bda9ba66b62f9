from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from backend_django.operations.tidy import MIN_AGE_SECONDS, check_files


class Command(BaseCommand):
    help = "Report files without a request and requests without their files; --repair the former."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--repair", action="store_true", help="remove the orphans")
        parser.add_argument(
            "--min-age",
            type=float,
            default=MIN_AGE_SECONDS,
            metavar="SECONDS",
            help="leave younger files alone: they may be under way (default: %(default)s)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        found = check_files(min_age_seconds=options["min_age"], repair=options["repair"])
        for prefix in found.orphan_prefixes:
            self.stdout.write(f"orphan in the storage: {prefix}")
        for path in found.orphan_scratch:
            self.stdout.write(f"orphan in the scratch space: {path}")
        for name in found.missing_files:
            self.stdout.write(f"missing: {name}")
        orphans = len(found.orphan_prefixes) + len(found.orphan_scratch)
        verb = "removed" if options["repair"] else "found"
        self.stdout.write(f"{orphans} orphans {verb}, {len(found.missing_files)} files missing")
        if found.missing_files or (orphans and not options["repair"]):
            raise SystemExit(1)
