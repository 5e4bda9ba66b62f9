"""The state of each queue: what waits, runs and has failed, and the workers that take from it."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from celery import current_app
from django.core.cache import caches
from django.db.models import Count, Min, Q
from django.db.models.functions import Greatest, Now
from django.utils import timezone

from backend_django.processing.models import PausedKind, ProcessingRequest
from backend_django.processing.registry import all_processors

Status = ProcessingRequest.Status
RECENT = timedelta(hours=24)
ASK_WORKERS_SECONDS = 5
WORKERS_ANSWER_SECONDS = 0.5


@dataclass
class KindInQueue:
    """The requests of a kind in a queue, steps included.

    pending: of them `later` may not begin yet; the oldest of the others is due since `due_since`.
    running: pipelines as well, which have no worker.
    """

    queue: str
    kind: str
    title: str
    pending: int = 0
    later: int = 0
    running: int = 0
    failed: int = 0
    due_since: datetime | None = None
    is_paused: bool = False

    @property
    def due_for(self) -> timedelta | None:
        """Seconds for which the oldest of them has been due."""
        if self.due_since is None:
            return None
        return timedelta(seconds=max(0, int((timezone.now() - self.due_since).total_seconds())))


@dataclass
class Queue:
    """A queue: its kinds, and the workers that take from it, None where that is not known."""

    name: str
    workers: list[str] | None
    kinds: list[KindInQueue] = field(default_factory=list)


def queues_overview() -> list[Queue]:
    """Return all queues of known kinds, and of others that have requests; three statements."""
    titles = {each.name: each.title for each in all_processors()}
    found = {
        (each.queue, each.name): KindInQueue(each.queue, each.name, each.title)
        for each in all_processors()
    }
    rows = ProcessingRequest.objects.order_by().values("queue", "kind")
    is_later = Q(run_at__gt=Now())
    pending = Q(status=Status.PENDING)
    still_open = rows.filter(status__in=[Status.PENDING, Status.PROCESSING]).annotate(
        pending=Count("id", filter=pending),
        later=Count("id", filter=pending & is_later),
        running=Count("id", filter=Q(status=Status.PROCESSING)),
        due_since=Min(Greatest("created_at", "run_at"), filter=pending & ~is_later),
    )
    recent = timezone.now() - RECENT
    failed = rows.filter(status=Status.FAILED, finished_at__gt=recent).annotate(failed=Count("*"))
    for row in (*still_open, *failed):
        queue, name = row["queue"], row["kind"]
        new = KindInQueue(queue, name, titles.get(name, name))
        for column, value in row.items():
            setattr(found.setdefault((queue, name), new), column, value)
    paused = set(PausedKind.objects.values_list("kind", flat=True))
    workers = find_workers()
    queues: dict[str, Queue] = {}
    for (name, _), kind in sorted(found.items()):
        kind.is_paused = kind.kind in paused
        if name not in queues:
            takers = None if workers is None else [w for w in workers if name in workers[w]]
            queues[name] = Queue(name, takers)
        queues[name].kinds.append(kind)
    return list(queues.values())


def find_workers() -> dict[str, list[str]] | None:
    """Return the queues of each worker that responds, which are asked once in five seconds.

    None while the broker does not respond.
    """
    return caches["redis"].get_or_set("queue-workers", _ask_workers, ASK_WORKERS_SECONDS)


def _ask_workers() -> dict[str, list[str]] | None:
    try:
        with current_app.connection_for_write(connect_timeout=2) as broker:
            broker.ensure_connection(max_retries=0, timeout=2)
            asking = current_app.control.inspect(timeout=WORKERS_ANSWER_SECONDS, connection=broker)
            queues = asking.active_queues() or {}
    except Exception:  # whatever kombu or Redis raises
        return None
    return {worker: [queue["name"] for queue in queues[worker]] for worker in sorted(queues)}
