"""Servers that neither answer nor refuse, seen by a caller over HTTP.

How fast it is answered is a figure of `make chaos`. Here a caller's patience only tells an answer
from none: a machine that runs the suite is busy.
"""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
import redis

from tests.proxy import HALF_OPEN, RESETS, Fault, Proxy
from tests.stack import Api, Stack, wait_for

from .conftest import ProxiedStack

pytestmark = [pytest.mark.matrix]
PATIENCE = 15.0  # seconds; without a limit it is minutes
ASK_THE_DATABASE = ("/health/ready", "/admin/login/")
CALLERS = 8  # as many as there are threads


@pytest.fixture
def api(proxied: ProxiedStack) -> Iterator[Api]:
    with proxied.client() as client:
        yield client


def post(api: Api) -> httpx.Response:
    files = {"file": ("a.txt", b"one two")}
    return api.post("wordcount/create/", files=files, timeout=PATIENCE)


def look(stack: Stack, path: str) -> httpx.Response:
    return httpx.get(f"{stack.url}{path}", timeout=PATIENCE)


def post_from_all_sides(
    api: Api, proxy: Proxy, fault: Fault, seconds: float
) -> list[httpx.Response]:
    """Post for some seconds by as many callers as there are threads, while a server is away."""

    def caller(_: int) -> list[httpx.Response]:
        answers = []
        while time.monotonic() < end:
            answers.append(post(api))
            time.sleep(0.2)
        return answers

    with proxy.broken(fault), ThreadPoolExecutor(CALLERS) as pool:
        end = time.monotonic() + seconds
        return [answer for answers in pool.map(caller, range(CALLERS)) for answer in answers]


def all_is_well(api: Api, *accepted: httpx.Response) -> None:
    """Wait until a request is taken and ends, and those that were accepted have ended too."""
    wait_for(lambda: post(api).status_code == 201, seconds=30, what="a POST is answered 201")
    for answer in (post(api), *accepted):
        done = api.wait("wordcount", answer.json()["id"], seconds=60)
        assert done["status"] == "completed", done


def test_a_database_that_hangs(proxied: ProxiedStack, api: Api) -> None:
    seen: dict[str, httpx.Response] = {}
    with ThreadPoolExecutor(1) as pool:
        posted = pool.submit(post_from_all_sides, api, proxied.database, HALF_OPEN, 8)
        wait_for(lambda: proxied.database.fault, what="the fault has begun")
        while not posted.done():
            assert look(proxied, "/health/live").status_code == 200
            assert look(proxied, "/").status_code == 200
            seen |= {path: look(proxied, path) for path in ASK_THE_DATABASE if path not in seen}
            time.sleep(0.2)
    assert {answer.status_code for answer in seen.values()} == {503}
    assert int(seen["/admin/login/"].headers["Retry-After"]) > 0
    answers = posted.result()
    assert {answer.status_code for answer in answers} == {503}
    for answer in answers:
        assert answer.json()["code"] == "database_unavailable"
        assert int(answer.headers["Retry-After"]) > 0
    all_is_well(api)


def test_a_broker_that_hangs(proxied: ProxiedStack, api: Api) -> None:
    answers = post_from_all_sides(api, proxied.broker, HALF_OPEN, 5)
    assert {answer.status_code for answer in answers} == {201}
    all_is_well(api, *answers)


def test_a_broker_that_becomes_a_replica(proxied: ProxiedStack, api: Api) -> None:
    """As in a failover: it is there, and takes nothing until it is the primary again."""
    worker = proxied.processes["worker"]
    with redis.Redis.from_url(proxied.valkey.url) as broker:
        broker.replicaof("127.0.0.1", proxied.mail_port)  # where nobody listens
        try:
            answers = [post(api) for _ in range(3)]
            wait_for(
                lambda: "read only replica" in proxied.log("worker").read_text(),
                what="the worker has noticed",
            )
        finally:
            broker.replicaof("NO", "ONE")
    assert {answer.status_code for answer in answers} == {201}
    all_is_well(api, *answers)
    assert worker.poll() is None, "the worker has ended"


def test_connections_that_are_reset(proxied: ProxiedStack, api: Api) -> None:
    for _ in range(20):
        assert api.get("wordcount/list/").status_code == 200
        proxied.database.reset_all()
    answers = post_from_all_sides(api, proxied.database, RESETS, 4)
    assert {answer.status_code for answer in answers} <= {201, 503}
    accepted = [answer for answer in answers if answer.status_code == 201]
    assert len(accepted) > len(answers) / 2
    all_is_well(api, *accepted)
