import re
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from backend_django.audit.services import event_record
from backend_django.processing.api.lists import AnyKindFilter
from backend_django.processing.bulk import ACTIONS, Action, requests_change
from backend_django.processing.models import ProcessingRequest
from backend_django.processing.queries import filter_requests
from backend_django.processing.registry import list_kinds
from backend_django.processing.services import kind_pause, kinds_resume

AGO = re.compile(r"(\d{1,6})([mhd])", re.ASCII)
UNITS = {"m": "minutes", "h": "hours", "d": "days"}
WORDS = ("kind", "status", "search", "error_code", "batch", "parameter")
TIMES = ("created_since", "created_before", "finished_since", "finished_before", "failed_since")
SHOWN = 20
SWITCHES = {"pause": "paused already", "resume": "not paused"}  # and what it may have been
DONE = {"cancel": "cancelled", "retry": "started again", "delete": "deleted"}


def time_of(text: str) -> datetime:
    """Read `2h`, `3d` or `30m` as that long ago; or a date or a time, here unless it says where."""
    if match := AGO.fullmatch(text):
        return timezone.now() - timedelta(**{UNITS[match[2]]: int(match[1])})
    try:
        day = None if "T" in text or " " in text else parse_date(text)
        found = datetime.combine(day, datetime.min.time()) if day else parse_datetime(text)
    except ValueError:
        found = None
    if found is None:
        raise CommandError(f"“{text}” is no time: write 2h, 3d, 2026-03-01 or 2026-03-01T12:00.")
    return found if timezone.is_aware(found) else timezone.make_aware(found)


class Command(BaseCommand):
    help = (
        "List, cancel, retry or delete the requests of all users that meet some conditions; pause"
        " or resume a kind."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", choices=["list", *ACTIONS, *SWITCHES])
        parser.add_argument("--id", action="append", type=UUID, help="may be given repeatedly")
        parser.add_argument("--kind", help="such as the first part of the address of its page")
        parser.add_argument("--status", help="one, or several with commas")
        parser.add_argument("--owner", metavar="EMAIL")
        parser.add_argument("--search", metavar="WORDS", help="words of the name")
        parser.add_argument("--error-code", metavar="CODE")
        parser.add_argument("--batch", metavar="ID", help="those that one call has made")
        parser.add_argument("--parameter", metavar="NAME:VALUE")
        for name in TIMES:
            option = f"--{name.replace('_', '-')}"
            parser.add_argument(option, type=time_of, metavar="TIME", help="2h, 3d, 2026-03-01, …")
        parser.add_argument("--limit", type=int, metavar="N", help="how many at most")
        parser.add_argument("--dry-run", action="store_true", help="say what would be done")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["action"] in SWITCHES:
            self.switch(options)
            return
        rows, said = self.select(options)
        action = ACTIONS.get(options["action"])
        if action is None:
            self.show(rows.order_by("-created_at", "-id"), options["limit"] or 100)
            return
        if not said:
            raise CommandError(f"Say which: {options['action']} needs at least one condition.")
        self.change(action, rows.filter(action.possible), said, options)

    def select(self, options: dict[str, Any]) -> tuple[QuerySet[ProcessingRequest], str]:
        """Return the rows that are meant, and the conditions in words."""
        given = {name: options[name] for name in (*WORDS, *TIMES, "id", "owner") if options[name]}
        said = " ".join(f"--{name.replace('_', '-')} {value}" for name, value in given.items())
        if given.get("failed_since"):
            given |= {"status": "failed", "finished_since": given["failed_since"]}
        asked = AnyKindFilter(data={name: given[name] for name in WORDS if name in given})
        for name, errors in {} if asked.is_valid() else asked.errors.items():
            raise CommandError(f"--{name.replace('_', '-')}: {errors[0]}")
        times = {name.replace("since", "after"): given.get(name) for name in TIMES}
        rows = filter_requests(ProcessingRequest.objects.all(), asked.validated_data | times)
        if ids := given.get("id"):
            rows = rows.filter(id__in=ids)
        if owner := given.get("owner"):
            rows = rows.filter(owner__email=owner.lower())
        return rows, said

    def switch(self, options: dict[str, Any]) -> None:
        """Pause or resume a kind."""
        action, kind = options["action"], options["kind"]
        given = {*WORDS, *TIMES, "id", "owner", "limit", "dry_run"}
        if not kind or any(options[name] for name in given - {"kind"}):
            raise CommandError(f"Say which kind, and nothing else: requests {action} --kind …")
        if action == "resume":
            changed = kinds_resume(kinds=[kind]) > 0
        elif kind in list_kinds():
            changed = kind_pause(kind=kind)
        else:
            known = ", ".join(sorted(list_kinds()))
            raise CommandError(f"--kind: there is no “{kind}”. Use one of {known}.")
        if not changed:
            self.stdout.write(f"{kind} was {SWITCHES[action]}")
            return
        waiting = ProcessingRequest.objects.filter(kind=kind, status="pending").count()
        self.stdout.write(f"{kind} {action}d, {waiting} requests wait")
        event_record(event=f"command.requests_{action}", target=f"--kind {kind}")

    def show(self, rows: QuerySet[ProcessingRequest], limit: int) -> None:
        found = list(rows.select_related("owner")[: limit + 1])
        for row in found[:limit]:
            words = [
                row.id,
                row.status,
                row.kind,
                row.owner.email,
                f"{row.created_at:%Y-%m-%dT%H:%MZ}",
            ]
            self.stdout.write(" ".join(map(str, [*words, row.error_code or "-", row.name])))
        if len(found) > limit:
            self.stdout.write(f"… and more than these {limit}; see --limit")

    def change(
        self,
        action: Action,
        rows: QuerySet[ProcessingRequest],
        said: str,
        options: dict[str, Any],
    ) -> None:
        if options["dry_run"]:
            self.show(rows.order_by(action.ordering, "id"), SHOWN)
            count = min(rows.count(), options["limit"] or float("inf"))
            self.stdout.write(f"{count} requests would be {DONE[action.name]}")
            return
        outcome = requests_change(rows=rows, action=action, limit=options["limit"], seconds=None)
        for refusal in outcome.refused:
            self.stderr.write(f"{refusal.count} refused: {refusal.message}")
        rest = f", {outcome.remaining} remain" if outcome.remaining else ""
        self.stdout.write(f"{outcome.done} requests {DONE[action.name]}{rest}")
        refused = sum(refusal.count for refusal in outcome.refused)
        event_record(
            event=f"command.requests_{action.name}",
            target=said,
            detail=f"{outcome.done} {DONE[action.name]}, {refused} refused",
        )
