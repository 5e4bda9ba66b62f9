"""Summaries: what is chosen, the request that it is, and how one ends that nobody reads."""

import asyncio
import itertools
import json
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync
from django.conf import LazySettings

from backend_django.processing import lifecycle, runner
from backend_django.processing.models import ProcessingRequest
from backend_django.processing.reaper import reap_expired
from backend_django.processing.services import request_create
from backend_django.summaries.processor import Summary
from backend_django.summaries.services import Attempt, summary_begin
from backend_django.summaries.summary import Sentence, Statistics, as_result, summarise
from backend_django.uploads.models import DailyUsage
from backend_django.users.models import User
from backend_django.users.services import token_create
from backend_django.utils.database_time import from_now
from backend_fastapi import threads
from backend_fastapi.errors import ProblemError
from backend_fastapi.gate import Caller
from backend_fastapi.streams import JsonLines, Why
from backend_fastapi.summaries import _Work
from tests.fastapi.calls import call

SUMMARIES = "/api/v1/fast/summaries/"
TEXT = (
    "The river rises in spring. A river carries sand to the river mouth. "
    "Sand fills the harbour. Cats sleep all day. Nobody knows why!"
)


def headers(user: User) -> dict[str, str]:
    _, key = token_create(user=user, name="of a test")
    return {"Authorization": f"Token {key}"}


def test_sentences_with_the_words_of_the_text_come_first() -> None:
    statistics, *chosen = summarise(TEXT, 2)
    assert isinstance(statistics, Statistics)
    assert (statistics.words, statistics.sentences) == (23, 5)
    assert statistics.common_words[0].word == "river"
    assert statistics.common_words[0].count == 3
    # What was said counts less: the third sentence is about them too.
    assert [one.position for one in chosen if isinstance(one, Sentence)] == [2, 4]


@pytest.mark.parametrize("text", ["", "...", "12 34", "a b c", "\n\n", "one", "ééé ßßß. " * 3])
def test_texts_without_sentences_have_a_summary_too(text: str) -> None:
    result = as_result(list(summarise(text, 3)))
    assert len(result["summary"]) <= result["sentences"]


def test_stream_and_worker_come_to_the_same(user: User) -> None:
    order: dict[str, Any] = {"text": TEXT, "sentences": 2}
    answer = call(None, "post", SUMMARIES, order, headers=headers(user))
    *_, last = answer.lines()
    streamed = ProcessingRequest.objects.get()
    assert streamed.attempts.get().worker == "fastapi"
    assert last == {"event": "result", **streamed.result.data}
    again = call(None, "get", f"{SUMMARIES}{streamed.id}/", headers=headers(user))
    assert again.lines()[-1] == last
    waiting, _ = request_create(owner=user, processor=Summary, parameters=order)
    assert runner.run_this(waiting.id)
    assert ProcessingRequest.objects.get(id=waiting.id).result.data == streamed.result.data


def test_summaries_of_others_are_not_there(user: User) -> None:
    other = User.objects.create_user("grace@example.org", "correct horse battery staple")
    call(None, "post", SUMMARIES, {"text": TEXT}, headers=headers(user))
    address = f"{SUMMARIES}{ProcessingRequest.objects.get().id}/"
    theirs = call(None, "get", address, headers=headers(other))
    nobodys = call(None, "get", f"{SUMMARIES}{uuid4()}/", headers=headers(other))
    assert theirs.status_code == nobodys.status_code == 404
    assert theirs.json()["code"] == nobodys.json()["code"]


def test_one_has_to_wait_who_has_enough_running(user: User, settings: LazySettings) -> None:
    settings.PROCESSING_MAX_RUNNING_PER_USER = 1
    order: dict[str, Any] = {"text": TEXT, "sentences": 1}
    summary_begin(owner=user, created_by=user, parameters=order, worker="another")
    answer = call(None, "post", SUMMARIES, order, headers=headers(user))
    (event,) = answer.lines()
    assert (event["event"], event["status"]) == ("request", "pending")
    assert ProcessingRequest.objects.get(id=event["id"]).status == "pending"


def test_day_that_is_used_up_is_refused(user: User, settings: LazySettings) -> None:
    settings.PROCESSING_DAILY_CPU_SECONDS = 1e-9
    call(None, "post", SUMMARIES, {"text": TEXT}, headers=headers(user))
    answer = call(None, "post", SUMMARIES, {"text": TEXT}, headers=headers(user))
    assert (answer.status_code, answer.json()["code"]) == (429, "daily_work_limit")
    assert int(answer["Retry-After"]) > 0


class Client:
    """What a server knows of who reads a stream: what was sent, and that it is gone."""

    def __init__(self, *, leaves_after: int = 1000, hangs: bool = False) -> None:
        self.sent: list[dict[str, Any]] = []
        self.leaves_after, self.hangs, self.gone = leaves_after, hangs, asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        self.sent.append(message)
        if len(self.sent) > self.leaves_after:
            self.gone.set()
        if self.hangs and len(self.sent) == 2:
            await asyncio.Event().wait()


def both(client: Client) -> tuple[Any, Any]:
    return client.receive, client.send


async def endless() -> Any:
    for number in itertools.count():
        yield {"event": "sentence", "number": number}
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("client", "seconds", "why"),
    [
        ({"leaves_after": 3}, 60, Why.GONE),
        ({"hangs": True}, 0.2, Why.DEADLINE),
    ],
)
def test_stream_ends_when_either_side_has_enough(
    client: dict[str, Any], seconds: float, why: Why
) -> None:
    told: list[Why] = []
    reader = Client(**client)
    stream = JsonLines(endless(), seconds=seconds, on_break=told.append)

    async def run() -> None:
        await asyncio.wait_for(stream({}, reader.receive, reader.send), 20)
        while not told:  # it is told in a thread
            await asyncio.sleep(0.01)

    asyncio.run(run())
    assert told == [why]


def test_stream_is_given_back_when_the_process_stops() -> None:
    told: list[Why] = []
    reader = Client(hangs=True)
    stream = JsonLines(endless(), seconds=60, on_break=told.append)

    async def run() -> None:
        task = asyncio.ensure_future(stream({}, reader.receive, reader.send))
        while len(reader.sent) < 2:
            await asyncio.sleep(0.01)
        task.cancel()
        while not told:
            await asyncio.sleep(0.01)

    asyncio.run(run())
    assert told == [Why.STOPPED]


def test_fault_in_a_stream_is_told_without_its_details() -> None:
    async def broken() -> Any:
        yield {"event": "request"}
        raise RuntimeError("secret detail")

    reader = Client()
    asyncio.run(JsonLines(broken(), seconds=5)({}, reader.receive, reader.send))
    *_, last, end = (message["body"] for message in reader.sent[1:])
    assert end == b""
    assert json.loads(last)["code"] == "server_error"
    assert b"secret" not in last


@pytest.mark.parametrize("error", [RuntimeError("x"), ProblemError(503, "busy", "Busy.")])
def test_stream_that_fails_leaves_its_request_to_a_worker_at_once(
    user: User, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: dict[str, Any] = {"text": TEXT, "sentences": 1}
    request, attempt = summary_begin(owner=user, created_by=user, parameters=order, worker="x")
    assert attempt is not None
    work = _Work(request, attempt, Caller(user, user, None))  # type: ignore[arg-type]
    told: list[Why] = []

    async def broken() -> Any:
        yield {"event": "request"}
        raise error

    asyncio.run(JsonLines(broken(), seconds=5, on_break=told.append)({}, *both(Client())))
    threads.DATABASE.submit(lambda: None).result()
    assert told == [Why.STOPPED]
    monkeypatch.setattr(threads, "one_thread", True)
    work.break_off(told[0])
    request.refresh_from_db()
    assert request.status == "pending"


def test_processor_time_is_counted_once(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when the reader leaves while the end is written down."""
    monkeypatch.setattr(threads, "one_thread", True)
    order: dict[str, Any] = {"text": TEXT, "sentences": 1}
    request, attempt = summary_begin(owner=user, created_by=user, parameters=order, worker="x")
    assert attempt is not None
    work = _Work(request, attempt, Caller(user, user, None))  # type: ignore[arg-type]
    spend = work.step

    def step(steps: Any) -> Any:
        found = spend(steps)
        work.seconds = 2.0
        return found

    monkeypatch.setattr(work, "step", step)

    async def run() -> None:
        async for event in work.events(order):
            if event["event"] == "result":
                break

    async_to_sync(run)()
    work.break_off(Why.GONE)
    assert DailyUsage.objects.get(owner=user).cpu_seconds == 2.0
    request.refresh_from_db()
    assert request.status == "completed"


@pytest.mark.parametrize(
    ("why", "status", "error"),
    [
        (Why.GONE, "cancelled", ""),
        (Why.DEADLINE, "failed", "time_limit"),
        (Why.STOPPED, "pending", ""),
    ],
)
def test_request_says_how_its_stream_has_ended(
    user: User, why: Why, status: str, error: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads, "one_thread", True)
    order: dict[str, Any] = {"text": TEXT, "sentences": 1}
    request, attempt = summary_begin(owner=user, created_by=user, parameters=order, worker="x")
    assert attempt is not None
    _Work(request, attempt, Caller(user, user, None)).break_off(why)  # type: ignore[arg-type]
    request.refresh_from_db()
    assert (request.status, request.error_code) == (status, error)
    if why == Why.STOPPED:  # a worker does it
        assert runner.run_this(request.id)
        request.refresh_from_db()
        assert request.status == "completed"


def test_process_that_is_killed_leaves_its_summary_to_a_worker(user: User) -> None:
    order: dict[str, Any] = {"text": TEXT, "sentences": 1}
    request, attempt = summary_begin(owner=user, created_by=user, parameters=order, worker="x")
    assert isinstance(attempt, Attempt)
    ProcessingRequest.objects.update(lease_expires_at=from_now(-1))
    assert reap_expired() == [(request.id, 1)]
    assert runner.run_this(request.id)
    assert not lifecycle.complete(request.id, attempt.number, data={}, files={})
    request.refresh_from_db()
    assert (request.status, request.attempt) == ("completed", 2)
