from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from backend_django.processing import runner
from backend_django.processing.attempt import accept_interrupts
from backend_django.processing.models import ProcessingRequest
from backend_django.processing.services import request_retry
from backend_django.utils.errors import Conflict


class Command(BaseCommand):
    help = "Work on one request here, in the foreground, as a worker would."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("id", type=UUID)
        parser.add_argument("--again", action="store_true", help="retry it first, if it is over")
        parser.add_argument(
            "--debug", action="store_true", help="open pdb where it fails, with its variables"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        request = ProcessingRequest.objects.filter(id=options["id"]).first()
        if request is None:
            raise CommandError("There is no such request.")
        if options["again"] and request.is_final:
            try:
                request_retry(request=request)
            except Conflict as error:
                raise CommandError(error.message) from error
        accept_interrupts()  # a cancel and the time limit would end this process
        runner.breakpoint_at_failure = options["debug"]
        if not runner.run_this(request.id):
            raise CommandError(
                f"It is {request.status}, and only one that waits can be run. Stop the workers, or "
                "use --again for one that has failed."
            )
        request.refresh_from_db()
        self.stdout.write(f"{request.status}: {request.error_message or request.name}")
        if request.status == ProcessingRequest.Status.FAILED:
            raise SystemExit(1)
