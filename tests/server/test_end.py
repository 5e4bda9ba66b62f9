"""When all threads are busy, when a call fails, and when the process ends or reloads."""

import asyncio
import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from unittest.mock import AsyncMock

import httpx
import psycopg
import pytest
from prometheus_client import REGISTRY

from backend_django.server import bridge
from tests.server.conftest import Server
from tests.server.line import VERSION, WRONG, Line, get, is_problem, sign_in
from tests.stack import Api, Stack, wait_for

pytestmark = pytest.mark.slow


@contextlib.contextmanager
def sessions_locked(server: Server) -> Iterator[None]:
    """Have every call that asks who is calling wait for the database."""
    with psycopg.connect(server.stack.environment["DATABASE_URL"]) as connection:
        connection.execute("LOCK TABLE users_user, users_apitoken IN ACCESS EXCLUSIVE MODE")
        yield


def test_alive_is_answered_while_all_threads_wait(stack: Stack, api: Api) -> None:
    server = Server(stack, WEB_QUEUE_SECONDS="1")
    headers = {"Authorization": api.headers["Authorization"]}

    def ask() -> httpx.Response:
        return httpx.get(f"{server.url}/api/v1/auth/user/", headers=headers, timeout=30)

    try:
        with ThreadPoolExecutor(8) as pool:
            with sessions_locked(server):
                asked = [pool.submit(ask) for _ in range(8)]
                wait_for(lambda: any(each.done() for each in asked), what="somebody is refused")
                assert httpx.get(f"{server.url}/health/live", timeout=5).status_code == 200
            answers = [each.result() for each in asked]
        busy = [answer for answer in answers if answer.status_code == 503]
        assert busy
        assert {answer.json()["code"] for answer in busy} == {"busy"}
        assert all(answer.headers["retry-after"] for answer in busy)
    finally:
        server.stop()


def test_a_stop_ends_what_is_under_way_and_no_more(stack: Stack, api: Api) -> None:
    server = Server(stack)
    headers = {"Authorization": api.headers["Authorization"]}
    process = server.stack.processes[server.name]
    idle = Line(server).send(get(VERSION))
    assert idle.answer()[0] == 200
    sending = Line(server).send(sign_in(f"Content-Length: {len(WRONG)}", WRONG[:10]))
    with ThreadPoolExecutor(1) as pool:
        with sessions_locked(server):
            asked = pool.submit(
                httpx.get, f"{server.url}/api/v1/auth/user/", headers=headers, timeout=30
            )
            wait_for(lambda: blocked(server), what="it waits for the database")
            process.send_signal(signal.SIGTERM)
            assert idle.is_closed()
        assert asked.result().status_code == 200
    sending.send(WRONG[10:])
    status, answered, _ = sending.answer()
    assert (status, answered["connection"]) == (400, "close")
    process.wait(20)
    idle.close()
    sending.close()


def test_a_stop_does_not_wait_for_a_client_that_sends_nothing(stack: Stack) -> None:
    server = Server(stack)
    process = server.stack.processes[server.name]
    silent = Line(server)
    assert httpx.get(f"{server.url}{VERSION}").status_code == 200
    process.send_signal(signal.SIGTERM)
    assert is_problem(silent.answer(), 408, "request_timeout")
    assert silent.is_closed()
    process.wait(5)
    silent.close()


def test_a_response_that_fails_at_its_first_piece_is_counted() -> None:
    def wsgi(environ: dict[str, Any], start_response: Callable[..., None]) -> Iterator[bytes]:
        start_response("200 OK", [])
        return iter(lambda: bytes(1 // 0), None)

    def counted() -> float:
        labels = {"method": "GET", "status": "500"}
        return REGISTRY.get_sample_value("http_request_duration_seconds_count", labels) or 0

    async def ask() -> None:
        scope: dict[str, Any] = {
            "type": "http", "http_version": "1.1", "method": "GET", "scheme": "http",
            "raw_path": b"/", "query_string": b"", "headers": [], "server": None, "client": None,
        }  # fmt: skip
        await bridge.Bridge(wsgi, threads=1)(scope, AsyncMock(), AsyncMock())

    before = counted()
    with pytest.raises(ZeroDivisionError):
        asyncio.run(ask())
    assert counted() == before + 1


def blocked(server: Server) -> bool:
    with psycopg.connect(server.stack.environment["DATABASE_URL"]) as connection:
        return bool(connection.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchall())


@pytest.mark.matrix
def test_a_reload_loses_no_request(server: Server) -> None:
    ended, failed = threading.Event(), []

    def ask() -> None:
        while not ended.is_set():
            try:
                if httpx.get(f"{server.url}{VERSION}", timeout=20).status_code != 200:
                    failed.append("status")
            except httpx.TransportError as error:
                failed.append(repr(error))

    asker = threading.Thread(target=ask)
    asker.start()
    process = server.stack.processes[server.name]
    log = server.stack.log(server.name)
    began = log.read_text().count("Booting worker")
    process.send_signal(signal.SIGHUP)
    wait_for(lambda: log.read_text().count("Booting worker") > began, what="a new worker")
    time.sleep(1.5)
    ended.set()
    asker.join()
    assert failed == []
