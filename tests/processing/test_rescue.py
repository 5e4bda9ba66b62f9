"""What workers and brokers lose is found again."""

from collections.abc import Iterator

import pytest
import redis

from tests.matrix import matrix
from tests.stack import Api, Stack, wait_for

pytestmark = pytest.mark.slow
KIND = "wordcount"


@pytest.fixture(autouse=True)
def worker_runs_again(stack: Stack) -> Iterator[None]:
    yield
    if "worker" not in stack.processes:
        stack.start("worker")


def test_request_of_a_killed_worker_is_tried_again(api: Api, stack: Stack) -> None:
    request = api.create(KIND, b"SLEEP 3")
    api.wait(KIND, request["id"], "processing")
    stack.kill("worker")
    stack.start("worker")
    done = api.wait(KIND, request["id"])
    assert (done["status"], done["attempt"]) == ("completed", 2)
    assert api.get(f"{KIND}/results/{request['id']}/").json()["attempt"] == 2
    files = stack.media / "requests" / request["id"]
    assert [p.name for p in files.iterdir()] == ["2"]


def test_job_that_kills_its_worker_is_given_up(api: Api) -> None:
    request = api.create(KIND, b"DIE now")
    failed = api.wait(KIND, request["id"], seconds=90)
    assert (failed["status"], failed["error_code"]) == ("failed", "worker_lost")
    assert failed["attempt"] == failed["max_attempts"] == 3


def test_message_lost_by_the_broker_is_sent_again(api: Api, stack: Stack) -> None:
    stack.stop("worker")
    request = api.create(KIND, b"one")
    redis.Redis.from_url(stack.environment["REDIS_URL"]).flushdb()
    stack.start("worker")
    assert api.wait(KIND, request["id"])["status"] == "completed"


@pytest.mark.matrix
def test_message_delivered_three_times_is_worked_on_once(api: Api, stack: Stack) -> None:
    stack.stop("worker")
    request = api.create(KIND, b"one two")
    broker = redis.Redis.from_url(stack.environment["REDIS_URL"])
    (message,) = wait_for(lambda: broker.lrange("processing", 0, -1), what="the message")
    broker.rpush("processing", message, message)
    stack.start("worker")
    api.wait(KIND, request["id"])
    wait_for(lambda: broker.llen("processing") == 0, what="the copies are read")
    assert api.get(f"{KIND}/results/{request['id']}/").json() == {"words": 2, "attempt": 1}
    assert api.status(KIND, request["id"])["attempt"] == 1


FOREIGN = [
    "hello",
    "[]",
    "null",
    '{"x": 1}',
    '{"body": "!", "properties": {"body_encoding": "base64", "delivery_tag": "1",'
    ' "delivery_info": {"routing_key": "processing", "exchange": ""}}, "headers": {},'
    ' "content-type": "application/json", "content-encoding": "utf-8"}',
    '{"body": "gAR9lC4=", "properties": {"body_encoding": "base64", "delivery_tag": "2",'
    ' "delivery_info": {"routing_key": "processing", "exchange": ""}}, "headers": {},'
    ' "content-type": "application/x-python-serialize", "content-encoding": "binary"}',
    '{"body": "W1tdLCB7fSwge31d", "properties": {"body_encoding": "base64", "delivery_tag": "3",'
    ' "delivery_info": {"routing_key": "processing", "exchange": ""}},'
    ' "headers": {"task": "of.another.product", "id": "4", "lang": "py"},'
    ' "content-type": "application/json", "content-encoding": "utf-8"}',
    '{"body": "e30=", "properties": {"body_encoding": "base64", "delivery_tag": "5",'
    ' "delivery_info": {"routing_key": "processing", "exchange": ""}}, "headers": {"id": "6",'
    ' "task": "backend_django.processing.tasks.process_request", "lang": "py"},'
    ' "content-type": "application/json", "content-encoding": "utf-8"}',
    '{"body": "W1tdLCB7fSwge31d", "properties": {"body_encoding": "base64", "delivery_tag": "7",'
    ' "delivery_info": {"routing_key": "processing", "exchange": ""}}, "headers": {"id": "8",'
    ' "task": "backend_django.processing.tasks.process_request", "timelimit": ["a", "b"]},'
    ' "content-type": "application/json", "content-encoding": "utf-8"}',
    '{"body": "W1tdLCB7fSwge31d", "properties": {"body_encoding": "base64", "delivery_tag": "9",'
    ' "delivery_info": {"routing_key": "processing", "exchange": ""}}, "headers": {"id": "a",'
    ' "task": "backend_django.processing.tasks.process_request", "stamped_headers": 7},'
    ' "content-type": "application/json", "content-encoding": "utf-8"}',
]


@pytest.mark.parametrize("message", FOREIGN)
def test_message_that_is_not_ours_ends_no_worker(api: Api, stack: Stack, message: str) -> None:
    worker = stack.processes["worker"]
    broker = redis.Redis.from_url(stack.environment["REDIS_URL"])
    for number in range(3):  # more than a worker takes at once
        broker.lpush("processing", message.replace('_tag": "', f'_tag": "{number}'))
    wait_for(lambda: not broker.llen("processing"), what="the messages are read")
    request = api.create(KIND, b"one two")
    assert api.wait(KIND, request["id"])["status"] == "completed"
    assert worker.poll() is None


def test_stopped_worker_leaves_its_work_to_the_next(api: Api, stack: Stack) -> None:
    request = api.create(KIND, b"SLEEP 3")
    api.wait(KIND, request["id"], "processing")
    stack.stop("worker")  # asked to stop, it finishes what it has
    assert api.status(KIND, request["id"])["status"] == "completed"


@pytest.mark.parametrize("content", [b"SLEEP 60", matrix(b"DEAF 60"), matrix(b"CHILD sleep")])
def test_work_too_long_for_a_stop_is_given_back_at_once(
    api: Api, stack: Stack, content: bytes
) -> None:
    request = api.create(KIND, content)
    api.wait(KIND, request["id"], "processing")
    stack.stop("worker")
    left = api.status(KIND, request["id"])
    assert (left["status"], left["attempt"], left["max_attempts"]) == ("pending", 1, 4)
    assert list(stack.work.glob(f"job-{request['id']}*")) == []
    stack.start("worker")
    assert api.wait(KIND, request["id"], "processing")["attempt"] == 2
    api.post(f"{KIND}/cancel/{request['id']}/")
    assert api.wait(KIND, request["id"], seconds=5)["status"] == "cancelled"
