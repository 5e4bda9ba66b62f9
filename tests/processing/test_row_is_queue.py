"""The rows are the queue: who is next, and how few messages that takes."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import redis
from django.conf import settings
from django.core.files.base import ContentFile
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from backend_django.processing import lifecycle, reaper
from backend_django.processing.attempt import _stopping
from backend_django.processing.batches import NewRequest, batch_create
from backend_django.processing.enqueue import drop_other_doorbells, ring, ring_for_next
from backend_django.processing.models import ProcessingRequest
from backend_django.processing.priority import Priority
from backend_django.processing.runner import run_next
from backend_django.processing.services import (
    kind_pause,
    kinds_resume,
    request_cancel,
    request_create,
)
from backend_django.processing.tasks import maintenance_reap
from backend_django.processing.turns import next_turn
from backend_django.users.models import User
from tests.wordcount.processor import WordCount

QUEUE = "processing"


@pytest.fixture
def other() -> User:
    return User.objects.create_user("eve@example.org", "pw")


@pytest.fixture
def broker() -> Iterator[redis.Redis]:
    server = redis.Redis.from_url(settings.REDIS_URL)
    server.delete(QUEUE)
    yield server
    server.delete(QUEUE)


def join(owner: User, priority: Priority = Priority.NORMAL, **fields: Any) -> ProcessingRequest:
    """Have a request wait, as `request_create` does."""
    return ProcessingRequest.objects.create(
        owner=owner, name="n", input_file="x", input_name="x", input_size=1,
        priority=priority,
        turn=next_turn(owner_id=owner.id, queue=QUEUE, priority=priority),
        **({"kind": "wordcount"} | fields),
    )  # fmt: skip


def claim() -> ProcessingRequest:
    claimed = lifecycle.claim()
    assert claimed
    return claimed


def test_next_person_does_not_wait_for_all_of_the_first(user: User, other: User) -> None:
    mine = [join(user) for _ in range(6)]
    assert [claim().id for _ in range(2)] == [mine[0].id, mine[1].id]
    theirs = [join(other) for _ in range(2)]
    order = [claim().id for _ in range(4)]
    assert order == [theirs[0].id, mine[2].id, theirs[1].id, mine[3].id]


def test_owners_take_turns_and_first_come_first_served(user: User, other: User) -> None:
    third = User.objects.create_user("ida@example.org", "pw")
    for owner in (user, user, user, other, other, third):
        join(owner)
    owners = [claim().owner_id for _ in range(6)]
    assert owners == [user.id, other.id, third.id, user.id, other.id, user.id]


def test_no_worker_is_left_idle(user: User) -> None:
    for _ in range(3):
        join(user)
    assert [lifecycle.claim() is not None for _ in range(4)] == [True, True, True, False]


def test_higher_priority_goes_first_in_the_same_queue(user: User) -> None:
    low, normal, high = (join(user, p) for p in (Priority.LOW, Priority.NORMAL, Priority.HIGH))
    assert [claim().id for _ in range(3)] == [high.id, normal.id, low.id]


def test_owners_take_turns_within_each_priority(user: User, other: User) -> None:
    for owner, priority in [
        (user, Priority.LOW), (user, Priority.HIGH), (user, Priority.HIGH), (user, Priority.HIGH),
        (user, Priority.NORMAL), (user, Priority.NORMAL),
        (other, Priority.NORMAL), (other, Priority.HIGH), (other, Priority.LOW),
    ]:  # fmt: skip
        join(owner, priority)
    claimed = [claim() for _ in range(9)]
    assert [request.priority for request in claimed] == [1, 1, 1, 1, 2, 2, 2, 3, 3]
    mine, theirs = user.id, other.id
    owners = [request.owner_id for request in claimed]
    assert owners == [mine, theirs, mine, mine, mine, theirs, mine, mine, theirs]


def test_request_that_was_given_back_goes_first(user: User) -> None:
    first, *_ = [join(user) for _ in range(3)]
    claim()
    assert lifecycle.release(first.id, 1)
    assert claim().id == first.id


def pause_of(seconds: float) -> Any:
    return timezone.now() + timedelta(seconds=seconds)


def create(owner: User, text: str = "a", **fields: Any) -> ProcessingRequest:
    file = ContentFile(text.encode(), name="a.txt")
    return request_create(owner=owner, processor=WordCount, inputs={"file": [file]}, **fields)[0]


def due_now(*requests: ProcessingRequest) -> None:
    """Have the time pass at which they may begin."""
    ids = [request.id for request in requests]
    ProcessingRequest.objects.filter(id__in=ids).update(run_at=pause_of(-1))


def test_what_is_for_later_holds_no_place_until_then(user: User, other: User) -> None:
    later = [create(user, run_at=pause_of(3600)) for _ in range(4)]
    batch_create(owner=user, processor=WordCount, requests=[NewRequest(run_at=pause_of(3600))] * 4)
    theirs = [create(other) for _ in range(3)]
    mine = create(user)
    assert [claim().id for _ in range(2)] == [theirs[0].id, mine.id]
    due_now(*later)
    newcomer = create(User.objects.create_user("ida@example.org", "pw"))
    maintenance_reap()
    expected = [newcomer, later[0], theirs[1], later[1], theirs[2], later[2], later[3]]
    assert [claim().id for _ in range(7)] == [one.id for one in expected]
    assert lifecycle.claim() is None  # the batch waits for its hour


def test_what_is_due_goes_at_once_when_nothing_else_waits(user: User) -> None:
    later = create(user, run_at=pause_of(3600))
    due_now(later)
    assert claim().id == later.id


def test_resumed_kind_does_not_go_before_what_others_have_sent_since(
    user: User, other: User
) -> None:
    mine = [create(user) for _ in range(4)]
    kind_pause(kind="wordcount")
    maintenance_reap()
    [join(other, kind="shortcount") for _ in range(4)]
    for _ in range(4):  # of these, the last turn is the fourth
        claim()
    kinds_resume(kinds=["wordcount"])
    theirs = [create(other) for _ in range(2)]
    maintenance_reap()
    order = [claim().id for _ in range(6)]
    assert order.index(theirs[0].id) < order.index(mine[2].id)
    ids = [one.id for one in mine]
    assert [one for one in order if one in ids] == ids


@pytest.mark.slow
@examples(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.sampled_from(["join 0", "join 1", "join 2", "claim", "end"]), max_size=40))
def test_newcomer_waits_for_one_request_of_each_other_owner(db: None, steps: list[str]) -> None:
    ProcessingRequest.objects.all().delete()
    User.objects.all().delete()
    owners = [User.objects.create_user(f"{n}@example.org", "pw") for n in range(3)]
    waits: dict[int, Counter[int]] = {}  # newcomer -> claims of each other owner since
    for step in steps:
        if step.startswith("join"):
            owner = owners[int(step[-1])]
            if not ProcessingRequest.objects.filter(owner=owner, finished_at=None).exists():
                waits[owner.id] = Counter()
            join(owner)
        elif step == "claim":
            if claimed := lifecycle.claim():
                waits.pop(claimed.owner_id, None)
                for since in waits.values():
                    since[claimed.owner_id] += 1
                    assert since[claimed.owner_id] == 1, steps
        elif running := ProcessingRequest.objects.filter(status="processing").first():
            lifecycle.fail(running.id, running.attempt, code="x", message="x")


@pytest.mark.slow
def test_broker_holds_one_message_however_long_many_requests_wait(
    user: User, broker: redis.Redis
) -> None:
    ProcessingRequest.objects.bulk_create(
        ProcessingRequest(
            owner=user, kind="wordcount", name="n", input_file="x", input_name="x", input_size=1,
            turn=number,
        )
        for number in range(5000)
    )  # fmt: skip
    ids = list(ProcessingRequest.objects.values_list("id", flat=True)[:120])
    for request_id in ids:  # an hour of the reaper's rounds
        maintenance_reap()
        ring(queue=QUEUE, request_id=request_id)
        assert broker.llen(QUEUE) == 1
    broker.delete(QUEUE)  # it forgets: the next round of the reaper sees it
    maintenance_reap()
    assert broker.llen(QUEUE) == 1


def test_many_doorbells_cost_no_more_than_one(user: User, broker: redis.Redis) -> None:
    requests = [join(user) for _ in range(2)]
    broker.lpush(QUEUE, *["a doorbell"] * 5000)
    drop_other_doorbells(QUEUE)
    assert broker.llen(QUEUE) == 0
    assert claim().id == requests[0].id
    ring_for_next(QUEUE)
    assert broker.llen(QUEUE) == 1


def test_nobody_rings_for_nothing(broker: redis.Redis, db: None) -> None:
    maintenance_reap()
    assert run_next(queue=QUEUE) == []
    assert broker.llen(QUEUE) == 0


def test_nobody_rings_for_who_has_as_many_running_as_they_may(
    user: User, other: User, broker: redis.Redis, settings: Any
) -> None:
    settings.PROCESSING_MAX_RUNNING_PER_USER = 1
    join(user)
    join(user)
    claim()
    maintenance_reap()
    assert broker.llen(QUEUE) == 0
    join(other)
    maintenance_reap()
    assert broker.llen(QUEUE) == 1


def test_worker_that_stops_takes_nothing_and_wakes_another(user: User, broker: redis.Redis) -> None:
    request = join(user)
    _stopping[0] = 1
    try:
        assert run_next(queue=QUEUE) == []
    finally:
        _stopping[0] = 0
    request.refresh_from_db()
    assert (request.status, request.attempt) == ("pending", 0)
    assert broker.llen(QUEUE) == 1


def test_request_that_is_cancelled_as_it_is_given_back_does_not_wait_for_ever(user: User) -> None:
    request = join(user)
    claim()
    ProcessingRequest.objects.update(cancel_requested=True)
    assert lifecycle.release(request.id, 1)
    request.refresh_from_db()
    assert request.status == "cancelled"


def test_cancel_of_a_request_that_changes_state_meanwhile(user: User) -> None:
    request = join(user)
    claim()  # the caller still believes that it waits
    request_cancel(request=request)
    assert (request.status, request.cancel_requested) == ("processing", True)
    assert lifecycle.release(request.id, 1)
    request.refresh_from_db()
    assert request.status == "cancelled"


def test_lost_worker_s_request_goes_first_and_its_place_is_told(user: User) -> None:
    first, second = join(user), join(user)
    claim()
    ProcessingRequest.objects.filter(id=first.id).update(
        lease_expires_at=timezone.now() - timedelta(seconds=1)
    )
    assert reaper.reap_expired() == [(first.id, 1)]
    from backend_django.processing.api.serializers import queue_position

    assert [queue_position(r.id) for r in (first, second)] == [0, 1]
