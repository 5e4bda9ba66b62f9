import statistics
import time
from collections.abc import Callable
from functools import cached_property
from typing import Any

from django.core.files.base import ContentFile
from django.core.management.base import BaseCommand, CommandParser
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from backend_django.processing.enqueue import ring_for_all
from backend_django.processing.models import ProcessingRequest
from backend_django.processing.runner import run_this
from backend_django.processing.services import request_create
from backend_django.users.models import User
from backend_django.users.services import token_create
from benchmarks.bare.processor import Nothing
from benchmarks.bare.tasks import COUNTER, counter, nothing
from tests.wordcount.processor import WordCount


def spin(done: Callable[[], bool], pause: float = 0.002) -> None:
    deadline = time.monotonic() + 120
    while not done():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(pause)


def pause_for(count: int) -> float:
    """Return the seconds between looks: who waits for many shall not take the workers' time."""
    return 0.002 if count == 1 else 0.02


class Command(BaseCommand):
    help = "One measurement, in seconds; called by benchmarks/product.py."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("what")
        parser.add_argument("count", type=int)

    def handle(self, *args: Any, **options: Any) -> None:
        method = getattr(self, options["what"].replace("-", "_"))
        self.stdout.write(str(method(options["count"])))

    def bare(self, count: int) -> float:
        counter().delete(COUNTER)
        began = time.monotonic()
        for _ in range(count):
            nothing.delay()
        spin(lambda: int(counter().get(COUNTER) or 0) >= count, pause_for(count))
        return time.monotonic() - began

    def create(self) -> ProcessingRequest:
        """Create a request that reads a file and writes one."""
        made, _ = request_create(
            owner=User.objects.get(is_superuser=True),
            processor=WordCount,
            inputs={"file": [ContentFile(b"one two", name="a.txt")]},
            parameters={"minimum_length": 1},
        )
        return made

    def create_empty(self) -> ProcessingRequest:
        """Create a request that does nothing."""
        owner = User.objects.get(is_superuser=True)
        return request_create(owner=owner, processor=Nothing)[0]

    def requests(self, count: int) -> float:
        return self.work_off(count, self.create_empty)

    def requests_with_files(self, count: int) -> float:
        return self.work_off(count, self.create)

    def work_off(self, count: int, create: Callable[[], ProcessingRequest]) -> float:
        """Sending and work, as for the tasks; the rows and uploads are there before."""
        import backend_django.processing.services as services

        ring, services.ring_on_commit = services.ring_on_commit, lambda **_: None
        waiting = [create().id for _ in range(count)]
        services.ring_on_commit = ring
        began = time.monotonic()
        ring_for_all()
        open_ones = ProcessingRequest.objects.filter(status__in=["pending", "processing"])
        spin(lambda: not open_ones.exists(), pause_for(count))
        seconds = time.monotonic() - began
        done = ProcessingRequest.objects.filter(id__in=waiting, status="completed").count()
        assert done == count, f"{count - done} did not complete"
        return seconds

    def latency_request(self, count: int) -> float:
        def one() -> float:
            began = time.monotonic()
            self.done(self.create_empty())
            return time.monotonic() - began

        return statistics.median(one() for _ in range(count))

    def latency_row(self, count: int) -> float:
        """From the row's creation to its end, by the clock of the database."""

        def one() -> float:
            row = self.done(self.create_empty())
            return (row.finished_at - row.created_at).total_seconds()

        return statistics.median(one() for _ in range(count))

    def done(self, made: ProcessingRequest) -> Any:
        row = ProcessingRequest.objects.filter(id=made.id, status="completed")
        spin(row.exists)
        return row.get()

    def fill(self, count: int) -> float:
        """Have so many completed requests in the table, every second of them the superuser's."""
        began = time.monotonic()
        other, _ = User.objects.get_or_create(email="other@example.org")
        owners, now = (User.objects.get(is_superuser=True), other), timezone.now()
        have = ProcessingRequest.objects.count()
        ProcessingRequest.objects.bulk_create(
            (
                ProcessingRequest(
                    kind="wordcount", name=f"request {number}", owner=owners[number % 2],
                    input_file="none", input_name="a.txt", input_size=7, progress=100, attempt=1,
                    status="completed", started_at=now, finished_at=now,
                )
                for number in range(have, count)
            ),
            batch_size=2000,
        )  # fmt: skip
        with connection.cursor() as cursor:  # what autovacuum would do within minutes
            cursor.execute("VACUUM ANALYZE processing_processingrequest")
        return time.monotonic() - began

    def statements(self, call: Callable[[], Any]) -> float:
        """Count what the database is asked at the second time; the first one fills caches."""
        call()
        with CaptureQueriesContext(connection) as captured:
            call()
        return sum(query["sql"] not in {"BEGIN", "COMMIT"} for query in captured)

    def call(self, method: str, path: str, *args: Any) -> None:
        response = getattr(self.script, method)(f"/api/v1/{path}", *args)
        assert response.status_code < 300, response.content

    @cached_property
    def script(self) -> Client:
        _, key = token_create(user=User.objects.get(is_superuser=True), name="bench")
        return Client(headers={"authorization": f"Token {key}", "host": "localhost"})

    def statements_status(self, count: int) -> float:
        made = self.create()
        return self.statements(lambda: self.call("get", f"wordcount/status/{made.id}/"))

    def statements_list(self, count: int) -> float:
        return self.statements(lambda: self.call("get", "requests/list/"))

    def statements_create(self, count: int) -> float:
        def create() -> None:
            self.call("post", "wordcount/create/", {"file": ContentFile(b"one", name="a.txt")})

        return self.statements(create)

    def statements_life(self, count: int) -> float:
        """From claim to completed; no worker may be there to take them."""
        waiting = [self.create().id for _ in range(2)]
        found = self.statements(lambda: run_this(waiting.pop()))
        assert not ProcessingRequest.objects.exclude(status="completed").exists()
        return found

    def latency_bare(self, count: int) -> float:
        return statistics.median(self.bare(1) for _ in range(count))
